"""Tries a mutant out: a fork of a process in which every test is ready, and in the fork the tests that concern it.

The first test that fails ends the fork, at once and without a word. No fork touches another, nor the next one's state.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import pairwise
from tempfile import TemporaryDirectory
from typing import NoReturn

import pytest
from mutants import PACKAGE, ROOT, Mutant
from placing import Functions, Swapped, forget

#: How every run of pytest here begins: nothing is written, the tests of a mutant come in the order they are given, and
#: no other finder of modules stands before the one that finds the mutant.
_NONE_OF = ("cacheprovider", "xdist", "whole-run")
OPTIONS = ("-qq", *(f"-pno:{plugin}" for plugin in _NONE_OF), "--capture=no", "--assert=plain")

#: A test may take this many times its usual time, and so many seconds on top, before it counts as hanging.
_TIMES, _MORE = 10, 8

#: Seconds from which on a test is one that waits.
_WAITS = 0.5


class Verdict(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"


class Way(StrEnum):
    """How a mutant is put in its place."""

    IN_PLACE = "in place"
    ANEW = "anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a fork ended: its exit status, and the test that ended it."""

    status: int
    by: str

    @property
    def verdict(self) -> Verdict:
        """What that says of a mutant."""
        if os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGALRM:
            return Verdict.TIMED_OUT
        return Verdict.KILLED if self.status else Verdict.SURVIVED


@dataclass(slots=True, eq=False)
class Watch:
    """A plugin that ends its process at the first failure, and lets no test hang.

    Attributes:
        seconds: how long each test usually takes.
        wire: where the name of the test that failed goes; None where nothing is to end.

    """

    seconds: Mapping[str, float] = field(default_factory=dict)
    wire: int | None = None

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Give the test its time."""
        if self.wire is not None:
            signal.setitimer(signal.ITIMER_REAL, _MORE + _TIMES * self.seconds.get(nodeid, 1))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """End at a failure."""
        if self.wire is not None and report.failed:
            os.write(self.wire, report.nodeid.encode())
            os._exit(1)


@dataclass(slots=True, eq=False)
class _Only:
    """A plugin that keeps the tests that are named, in their order."""

    names: Sequence[str]
    ready: Callable[[], object]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        by_name = {item.nodeid: item for item in items}
        items[:] = [by_name[name] for name in self.names]
        self.ready()


@dataclass(slots=True, eq=False)
class Laboratory:
    """Tests that are ready to run, and the functions they will call.

    Attributes:
        items: every test, by its name.
        watch: the plugin of the session they are from.
        functions: the functions that a mutant is put into.

    """

    items: Mapping[str, pytest.Item]
    watch: Watch
    functions: Functions = field(default_factory=Functions)

    def judge(self, mutant: Mutant, names: Sequence[str], *, ways: Sequence[Way] = (Way.IN_PLACE, Way.ANEW)) -> Outcome:
        """Run the tests *names* against a mutant, one way after the other until a test fails."""
        outcome = Outcome(status=0, by="")
        for way in ways:
            outcome = self._try_surely(mutant, names, way)
            if outcome.verdict is not Verdict.SURVIVED:
                return outcome
        return outcome

    def run(self, names: Sequence[str], wire: int | None = None) -> None:
        """Run tests in this process."""
        self.watch.wire = wire
        items = [self.items[name] for name in names]
        for item, following in pairwise([*items, None]):
            assert item is not None
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)

    def run_anew(
        self, names: Sequence[str], wire: int, *, swapped: Swapped | None = None, ready: Callable[[], object] = int
    ) -> None:
        """Import everything anew, and run tests of that; *ready* is called before the first."""
        forget([PACKAGE, ROOT / "tests"])
        if swapped is not None:
            sys.meta_path.insert(0, swapped)
        files = dict.fromkeys(name.partition("::")[0] for name in names)
        plugins = [Watch(seconds=self.watch.seconds, wire=wire), _Only(names, ready)]
        if pytest.main([*OPTIONS, *(str(ROOT / file) for file in files)], plugins=plugins) != pytest.ExitCode.OK:
            os._exit(1)  # not even collected

    def _try_surely(self, mutant: Mutant, names: Sequence[str], way: Way) -> Outcome:
        """Try a mutant. A test that waits for real time may fail on a busy machine, so it has to fail twice."""
        left = list(names)
        outcome = fork(partial(self._try, mutant, left, way))
        while self.watch.seconds.get(outcome.by, 0) > _WAITS:
            again = fork(partial(self._try, mutant, [outcome.by], way))
            if again.verdict is not Verdict.SURVIVED:
                return again
            left.remove(outcome.by)
            outcome = fork(partial(self._try, mutant, left, way))
        return outcome

    def _try(self, mutant: Mutant, names: Sequence[str], way: Way, wire: int) -> None:
        code = mutant.code()
        if way is Way.IN_PLACE and self.functions.place(code):
            self.run(names, wire)
        else:
            self.run_anew(names, wire, swapped=Swapped(mutant.path, code))


def fork(work: Callable[[int], object]) -> Outcome:
    """Do *work* in a fork of this process, hand it the end of a pipe, and return how it ended."""
    ear, wire = os.pipe()
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        pid = os.fork()
        if pid == 0:
            os.environ["PYTEST_DEBUG_TEMPROOT"] = folder  # two forks never meet in one folder
            _be_the_fork(work, wire)
        os.close(wire)
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(ProcessLookupError):  # what its tests left running
            os.killpg(pid, signal.SIGKILL)
    os.set_blocking(ear, False)
    with os.fdopen(ear, "rb", buffering=0) as said:
        return Outcome(status=status, by=(said.read(4096) or b"").decode())


def _be_the_fork(work: Callable[[int], object], wire: int) -> NoReturn:
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        work(wire)
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - nothing may return into the code that forked
        os.write(wire, f"no test, but {error!r}".encode())
    finally:
        os._exit(1)
