"""The process above several equal ones: starts them, starts anew what ends, replaces them one by one, ends them all.

It serves nothing itself, has no threads and no event loop: it waits for signals and for what its workers report.
"""

import math
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from keyturn.errors import ConfigurationError, KeyturnError
from keyturn.server.observing import logs
from keyturn.server.processes import notify
from keyturn.server.processes.nursery import SUPERVISED, Nursery, Phase, Worker
from keyturn.server.processes.signals import Terminal, arriving_as_bytes
from keyturn.server.processes.worker import DRAIN_SECONDS
from keyturn.server.settings import Settings
from keyturn.server.wire.http_server import GRACE_SECONDS

START_SECONDS: Final = 60
"""How long a worker may take until it lets requests in."""

STEADY_SECONDS: Final = 5
"""A worker that ends sooner has failed to start, and its successor waits a little."""

MAX_FAILURES: Final = 5
"""After so many failed starts of one place in a row, and nobody serving, there is no use in going on."""


@dataclass(slots=True)
class _Slot:
    """One of the equal places: how often it failed in a row, and when it may be filled again."""

    failures: int = 0
    start_at: float = 0.0


class Supervisor:
    """Keeps one worker for each of the *listeners*.

    Args:
        settings: what they are told.
        listeners: where they listen.
        nursery: makes them.
        announce: called once all of them let requests in.
        reload: returns the settings as they are by then; None where they can't change.

    """

    def __init__(
        self,
        settings: Settings,
        listeners: Sequence[socket.socket],
        nursery: Nursery,
        *,
        announce: Callable[[], None],
        reload: Callable[[], Settings] | None,
    ) -> None:
        self._settings = self._good_settings = settings
        self._nursery = nursery
        self._announce = announce
        self._reload = reload
        self._terminal = Terminal()
        self._slots = [_Slot() for _ in listeners]
        self._workers: list[Worker] = []
        self._to_replace: list[Worker] = []
        self._announced = self._ending = False
        self._failure: KeyturnError | None = None

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; on SIGHUP read the settings anew and replace the workers one by one.

        Raises:
            ConfigurationError: a worker refused to start, before all of them had.
            KeyturnError: the workers fail again and again.

        """
        with arriving_as_bytes(SUPERVISED) as inbox:
            try:
                while self._workers or not self._ending:
                    self._keep_up()
                    self._listen(inbox)
                    self._collect()
            finally:
                self._kill_all()
                self._nursery.close()
        if self._failure is not None:
            raise self._failure

    def _keep_up(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.overdue_at <= now:
                worker.signal(signal.SIGKILL)
                worker.overdue_at = math.inf
        if self._ending:
            return
        for number, slot in enumerate(self._slots):
            if slot.start_at <= now and not any(each.slot == number for each in self._serving()):
                self._start(number)
        if self._to_replace and all(worker.phase is Phase.READY for worker in self._workers):
            old = self._to_replace.pop(0)
            if old in self._workers:
                self._start(old.slot).replaces = old

    def _serving(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.phase is not Phase.ENDING]

    def _start(self, slot: int) -> Worker:
        worker = self._nursery.fork(slot, self._settings)
        worker.overdue_at = worker.began_at + START_SECONDS
        self._workers.append(worker)
        return worker

    def _listen(self, inbox: int) -> None:
        """Wait for a signal or a report, and no longer than until something else may be due."""
        reports = {worker.report: worker for worker in self._workers if worker.phase is Phase.STARTING}
        settled = self._announced and all(worker.phase is Phase.READY for worker in self._workers)
        idle = settled and len(self._workers) == len(self._slots) and not self._to_replace
        readable, _, _ = select.select([inbox, *reports], [], [], None if idle else _TICK_SECONDS)
        for descriptor in readable:
            if descriptor in reports:
                self._on_report(reports[descriptor])
        for number in os.read(inbox, 256) if inbox in readable else b"":
            self._on_signal(signal.Signals(number))

    def _on_report(self, worker: Worker) -> None:
        worker.read_report()
        if worker.phase is not Phase.READY:
            return
        if worker.replaces in self._workers and worker.replaces is not None:
            self._end(worker.replaces)
            self._tell_if_replaced()
        if not self._announced and sum(each.phase is Phase.READY for each in self._workers) == len(self._slots):
            self._announced = True
            self._announce()

    def _on_signal(self, number: signal.Signals) -> None:
        hung_up = number is signal.SIGHUP
        if number in {signal.SIGTERM, signal.SIGINT} or (hung_up and self._terminal.is_gone()):
            self._end_all()
        elif hung_up and not self._ending:
            self._replace_all()

    def _end_all(self) -> None:
        """End the workers in order; asked for a second time, at once."""
        notify.tell(notify.STOPPING)
        for worker in self._workers:
            self._end(worker)
            if self._ending:
                worker.overdue_at = min(worker.overdue_at, time.monotonic() + _HURRY_SECONDS)
        self._ending = True

    def _end(self, worker: Worker) -> None:
        worker.phase = Phase.ENDING
        worker.overdue_at = min(worker.overdue_at, time.monotonic() + DRAIN_SECONDS + GRACE_SECONDS + _HURRY_SECONDS)
        worker.signal(signal.SIGTERM)

    def _replace_all(self) -> None:
        if self._reload is None:
            self._say("warning", "there are no settings to read anew")
            return
        try:
            read = self._reload()
        except KeyturnError as error:
            self._say("error", "settings refused, the workers go on with the old ones", reason=str(error))
            return
        self._good_settings, self._settings = self._settings, self._with_old_sockets(read)
        self._to_replace = self._serving()
        self._say("info", "replacing the workers", workers=len(self._to_replace))

    def _with_old_sockets(self, read: Settings) -> Settings:
        old = self._settings.server
        kept = {"host": old.host, "port": old.port, "workers": old.workers}
        if any(getattr(read.server, name) != value for name, value in kept.items()):
            self._say("warning", "server.host, server.port and server.workers need a restart; the old ones hold")
        return read.model_copy(update={"server": read.server.model_copy(update=kept)})

    def _collect(self) -> None:
        """Let go of the workers that have ended."""
        for worker in self._workers[:]:
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                while worker.phase is Phase.STARTING and worker.read_report():
                    pass
                self._workers.remove(worker)
                self._nursery.release(worker)
                if worker.phase is not Phase.ENDING:
                    self._on_failure(worker, os.waitstatus_to_exitcode(status))

    def _on_failure(self, worker: Worker, code: int) -> None:
        lived = time.monotonic() - worker.began_at
        slot = self._slots[worker.slot]
        slot.failures = slot.failures + 1 if worker.phase is Phase.STARTING or lived < STEADY_SECONDS else 0
        slot.start_at = time.monotonic() + _pause(slot.failures)
        if worker.refusal and not self._announced:
            self._fail(ConfigurationError(worker.refusal))
            return
        reason = {"reason": worker.refusal} if worker.refusal else {}
        self._say("error", "a worker ended", pid=worker.pid, code=code, **reason)
        if worker.replaces is not None and worker.phase is Phase.STARTING:
            self._stop_replacing()
        if slot.failures >= MAX_FAILURES and not any(each.phase is Phase.READY for each in self._workers):
            self._fail(KeyturnError(sentence=f"The workers end as soon as they start: {worker.refusal or _SEE_LOG}"))

    def _tell_if_replaced(self) -> None:
        if not any(worker in self._to_replace for worker in self._workers):
            self._say("info", "the workers are replaced")

    def _stop_replacing(self) -> None:
        self._to_replace, self._settings = [], self._good_settings
        self._say("error", "replacing the workers has stopped; those that are left go on with the old settings")

    def _fail(self, failure: KeyturnError) -> None:
        self._failure = self._failure or failure
        if not self._ending:
            self._end_all()

    def _kill_all(self) -> None:
        """Leave nobody behind, whatever went wrong here."""
        for worker in self._workers:
            worker.signal(signal.SIGKILL)
            os.waitpid(worker.pid, 0)

    def _say(self, level: str, event: str, **fields: object) -> None:
        """Write a line of the log; the thread that writes it ends before anything is forked."""
        with logs.writing(sys.stderr, level=self._settings.log.level, form=self._settings.log.format):
            getattr(logs.get_logger(), level)(event, **fields)


def _pause(failures: int) -> float:
    """Return the seconds before the next start after so many failures in a row."""
    return 0.0 if failures == 0 else min(5.0, 0.1 * 2**failures)


_TICK_SECONDS: Final = 0.1
_HURRY_SECONDS: Final = 2.0
_SEE_LOG: Final = "the log says why."
