"""Forking workers: what each is given, what it must let go of, and the counts that outlive it.

A fork rather than a fresh interpreter: the settings, secrets included, go over in memory, not through arguments, the
environment or a file that may have changed; all workers have read the same. The process that forks has no threads, no
event loop and nothing open but the sockets, so there is nothing that a fork could break.
"""

import gc
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keyturn.server.cors import LoopbackOrigins
from keyturn.server.observing.tally import Page, Tally, shared_page
from keyturn.server.processes.worker import READY, Assignment, work
from keyturn.server.settings import Settings

SUPERVISED: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD})
"""The signals that the process above the workers deals with, and that mean nothing or something else to a worker."""


class Phase(StrEnum):
    """How far a worker is."""

    STARTING = "starting"
    READY = "ready"
    ENDING = "ending"


@dataclass(slots=True, kw_only=True, eq=False)
class Worker:
    """A process, as the one that forked it sees it.

    Attributes:
        slot: which of the equal places it fills.
        report: the pipe that it reports through.
        page: what it counts in.
        began_at: in seconds of the monotonic clock.
        overdue_at: when it is killed for not having got where it should.
        replaces: the worker that ends when this one is ready.
        refusal: why it can't serve, the sentence of a `ConfigurationError`.

    """

    slot: int
    pid: int
    report: int
    page: Page
    began_at: float
    overdue_at: float = math.inf
    phase: Phase = Phase.STARTING
    replaces: "Worker | None" = None
    refusal: str = ""

    def read_report(self) -> bool:
        """Take in what the worker reports; return False at the end of it."""
        said = os.read(self.report, 65536)
        if said == READY:
            self.phase, self.overdue_at = Phase.READY, math.inf
        else:
            self.refusal += said.decode()
        return bool(said)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; the process is there until it is released."""
        os.kill(self.pid, number)


class Nursery:
    """Makes workers, one for each of the *listeners* and at times one more."""

    def __init__(self, listeners: Sequence[socket.socket], loopback_origins: LoopbackOrigins) -> None:
        self._listeners = listeners
        self._loopback_origins = loopback_origins
        self._pages = [shared_page() for _ in range(len(listeners) + 1)]
        self._free = self._pages[:]
        self._lifeline = os.pipe()
        self._open: set[int] = set()
        gc.freeze()  # what is there now is never collected, and so never copied

    def fork(self, slot: int, settings: Settings) -> Worker:
        """Start a worker."""
        page, (report, reporting) = self._free.pop(), os.pipe()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SUPERVISED)
        assignment = Assignment(
            settings=settings,
            loopback_origins=self._loopback_origins,
            listener=self._listeners[slot],
            tally=Tally(page, [other for other in self._pages if other is not page]),
            report=reporting,
            lifeline=self._lifeline[0],
            supervisor=os.getpid(),
        )
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self._become(assignment, report)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(reporting)
        self._open.add(report)
        return Worker(slot=slot, pid=pid, report=report, page=page, began_at=time.monotonic())

    def release(self, worker: Worker) -> None:
        """Let go of a worker that has ended. The next one counts on where it stopped."""
        os.close(worker.report)
        self._open.remove(worker.report)
        self._free.append(worker.page)

    def close(self) -> None:
        """Let go of what is left."""
        for each in self._lifeline:
            os.close(each)

    def _become(self, assignment: Assignment, report: int) -> None:
        """Be a worker, and nothing else ever after."""
        code = 1
        try:
            self._let_go(assignment, report)
            code = work(assignment)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _let_go(self, assignment: Assignment, report: int) -> None:
        """Close what belongs to the others, and forget how signals were dealt with."""
        signal.set_wakeup_fd(-1)
        for each in SUPERVISED:
            signal.signal(each, signal.SIG_DFL)
        for ignored in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        for descriptor in (report, self._lifeline[1], *self._open):
            os.close(descriptor)
        for listener in self._listeners:
            if listener is not assignment.listener:
                listener.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SUPERVISED)
