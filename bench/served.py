"""A server under load, and the figures of its turns."""

from collections.abc import Callable, Iterator
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

    def __init__(self, load: Load, server: Running, database: int | None = None) -> None:
        self.outcomes: list[Outcome] = []
        self._load = load
        self._server = _Spent(lambda: _cpu_seconds(server.pid))
        self._database = _Spent(lambda: 0.0 if database is None else _cpu_seconds(database))
        self._idle = _Spent(_idle_seconds)
        self._seconds = 0.0

    def turn(self, seconds: float) -> float:
        """Send for *seconds*; return the good answers a second."""
        with self._server, self._database, self._idle:
            outcome = self._load.run(seconds)
        self._seconds += seconds
        self.outcomes.append(outcome)
        return outcome.rate

    @property
    def cpu_per_answer(self) -> float:
        """Seconds of the processor that the server, its threads and its children spend on an answer."""
        return self._server.seconds / self._good

    @property
    def database_cpu_per_answer(self) -> float:
        """The same of the database's server; 0 where there is none."""
        return self._database.seconds / self._good

    @property
    def idle_cores(self) -> float:
        """How many cores of the machine had nothing to do meanwhile."""
        return self._idle.seconds / self._seconds

    @property
    def p50(self) -> float:
        """The median turn's median time from request to answer, in seconds."""
        return median(outcome.p50 for outcome in self.outcomes)

    @property
    def p99(self) -> float:
        """The median turn's 99th percentile of that time, in seconds."""
        return median(outcome.p99 for outcome in self.outcomes)

    @property
    def _good(self) -> int:
        return sum(outcome.good for outcome in self.outcomes)


class _Spent:
    """Seconds of the processor that a clock went on by, all the times together that it was looked at."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.seconds = 0.0
        self._clock = clock

    def __enter__(self) -> None:
        self.seconds -= self._clock()

    def __exit__(self, *_: object) -> None:
        self.seconds += self._clock()


@contextmanager
def served(server: Running, plan: Plan, *, database: int | None = None) -> Iterator[Served]:
    """Return *plan* as a load on *server*, which is warm by then.

    Args:
        server: what answers.
        plan: what it is asked.
        database: the first process of the database's server, if there is one.

    """
    with Load(plan) as load:
        load.run(WARM_UP_SECONDS)
        yield Served(load, server, database)


def resident_bytes(server: Running) -> int:
    """Return the resident memory of the server and its children, in bytes."""
    total: int = sum(process.memory_info().rss for process in _family(server.pid))
    return total


def _cpu_seconds(pid: int) -> float:
    times = [process.cpu_times() for process in _family(pid)]
    total: float = sum(each.user + each.system for each in times)
    return total


def _idle_seconds() -> float:
    """Return what the cores have been idle for, all together, in seconds; waiting for the disk is idle."""
    times = psutil.cpu_times()
    idle: float = times.idle + getattr(times, "iowait", 0.0)
    return idle


def _family(pid: int) -> list[psutil.Process]:
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]
