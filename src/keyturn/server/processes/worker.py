"""One of several equal processes of a server, forked by the one that starts and ends them all.

It ends when that one says so by SIGTERM, and also when that one is gone: nobody would end it any more, and it would
keep the port from the next start.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Final

import uvicorn

from keyturn.errors import ConfigurationError, KeyturnError
from keyturn.server.app import create_app
from keyturn.server.cors import LoopbackOrigins
from keyturn.server.observing import logs
from keyturn.server.observing.metrics import Metrics
from keyturn.server.observing.tally import Tally
from keyturn.server.settings import Settings
from keyturn.server.wire.http_server import HttpServer, config_of, run

READY: Final = b"+"
"""What a worker reports once it lets requests in; a sentence instead is why it never will."""

DRAIN_SECONDS: Final = 1.0
"""How long a connection that is kept open may bring one more request, whose answer says that it is the last here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What a worker is given.

    Attributes:
        report: where it writes `READY`, or the sentence of a `ConfigurationError`.
        lifeline: a pipe that ends with the process that started it.
        supervisor: the id of that process.

    """

    settings: Settings
    loopback_origins: LoopbackOrigins
    listener: socket.socket
    tally: Tally
    report: int
    lifeline: int
    supervisor: int


def work(assignment: Assignment) -> int:
    """Serve until told to end; return the exit code. To be called in a fresh process."""
    _end_with(assignment.supervisor)
    log = assignment.settings.log
    with logs.writing(sys.stderr, level=log.level, form=log.format):
        try:
            _serve(assignment)
        except ConfigurationError as error:
            os.write(assignment.report, str(error).encode())
            return _REFUSED
        except KeyturnError as error:
            logs.get_logger().error("worker failed", reason=error.reason or str(error))
            return _FAILED
        except Exception:  # noqa: BLE001 - the last resort: a process of its own has nobody to raise to
            traceback.print_exc()
            return _FAILED
    return 0


def _serve(assignment: Assignment) -> None:
    settings = assignment.settings
    app = create_app(settings, metrics=Metrics(assignment.tally), loopback_origins=assignment.loopback_origins)
    run(app, _WorkerServer(config_of(app, settings), assignment), assignment.listener)


class _WorkerServer(HttpServer):
    def __init__(self, config: uvicorn.Config, assignment: Assignment) -> None:
        super().__init__(config, self._report_ready)
        self._assignment = assignment

    @contextlib.contextmanager
    def until_signalled(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._assignment.lifeline, self._on_orphaned)
        try:
            with super().until_signalled():
                yield
        finally:
            loop.remove_reader(self._assignment.lifeline)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take the supervisor's word alone: a Ctrl-C reaches every process of a terminal, and us twice."""
        del frame
        if sig != signal.SIGTERM:
            return
        if os.getppid() != self._assignment.supervisor:
            self._hurry()
        elif self.should_exit:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Leave new connections to others; close ours where no request can be lost by it, then wait for the rest."""
        for server in self.servers:
            server.close()
        last = (b"connection", b"close")
        self.server_state.default_headers = [*self.server_state.default_headers, last]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while self.server_state.connections and not self.force_exit:  # noqa: ASYNC110 - uvicorn tells nobody
                    await asyncio.sleep(_TICK_SECONDS)
        await super().shutdown(sockets)

    def _report_ready(self) -> None:
        os.write(self._assignment.report, READY)

    def _on_orphaned(self) -> None:
        asyncio.get_running_loop().remove_reader(self._assignment.lifeline)
        self._hurry()
        self.should_exit = True

    def _hurry(self) -> None:
        self.config.timeout_graceful_shutdown = _ORPHANS_GRACE_SECONDS


def _end_with(supervisor: int) -> None:
    """Have Linux send SIGTERM when the supervisor ends, however busy we are then."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:  # it ended before
        os._exit(_FAILED)


_FAILED: Final = 1
_REFUSED: Final = 2
_ORPHANS_GRACE_SECONDS: Final = 2
_TICK_SECONDS: Final = 0.05
_PR_SET_PDEATHSIG: Final = 1
