"""A server under load, and the figures of its turns."""

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import psutil  # type: ignore[import-untyped]

from load import Load, Outcome, Plan
from processes import Running

WARM_UP_SECONDS = 1.0


class Served:
    """One load on one server, turn after turn.

    Attributes:
        outcomes: what each turn came to.

    """

    def __init__(self, load: Load, server: Running) -> None:
        self.outcomes: list[Outcome] = []
        self._load = load
        self._pid = server.pid
        self._cpu = 0.0

    def turn(self, seconds: float) -> float:
        """Send for *seconds*; return the good answers a second."""
        before = _cpu_seconds(self._pid)
        outcome = self._load.run(seconds)
        self._cpu += _cpu_seconds(self._pid) - before
        self.outcomes.append(outcome)
        return outcome.rate

    @property
    def cpu_per_answer(self) -> float:
        """Seconds of the processor that the server, its threads and its children spend on an answer."""
        return self._cpu / sum(outcome.good for outcome in self.outcomes)

    @property
    def p50(self) -> float:
        """The median turn's median time from request to answer, in seconds."""
        return median(outcome.p50 for outcome in self.outcomes)

    @property
    def p99(self) -> float:
        """The median turn's 99th percentile of that time, in seconds."""
        return median(outcome.p99 for outcome in self.outcomes)


@contextmanager
def served(server: Running, plan: Plan) -> Iterator[Served]:
    """Return *plan* as a load on *server*, which is warm by then."""
    with Load(plan) as load:
        load.run(WARM_UP_SECONDS)
        yield Served(load, server)


def resident_bytes(server: Running) -> int:
    """Return the resident memory of the server and its children, in bytes."""
    total: int = sum(process.memory_info().rss for process in _family(server.pid))
    return total


def _cpu_seconds(pid: int) -> float:
    times = [process.cpu_times() for process in _family(pid)]
    total: float = sum(each.user + each.system for each in times)
    return total


def _family(pid: int) -> list[psutil.Process]:
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]
