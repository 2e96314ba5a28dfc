"""A server of our own: ``keyturn serve``. Binds, opens, serves, and comes to an orderly end on SIGTERM or SIGINT."""

import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

from keyturn.server.app import create_app
from keyturn.server.configuration.masking import mask_url
from keyturn.server.cors import LoopbackOrigins
from keyturn.server.observing import logs
from keyturn.server.processes import notify
from keyturn.server.processes.nursery import Nursery
from keyturn.server.processes.signals import Terminal, handling
from keyturn.server.processes.supervisor import Supervisor
from keyturn.server.settings import Purpose, Settings
from keyturn.server.wire.http_server import HttpServer, config_of
from keyturn.server.wire.http_server import run as run_app
from keyturn.server.wire.listening import address_of, listening


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What is said once requests are let in. *address* is where we listen, a URL."""

    issuer: str
    address: str
    database: str
    workers: int = 1


def print_ready(ready: Ready) -> None:
    """Print one line."""
    workers = f", {ready.workers} workers" if ready.workers > 1 else ""
    sys.stdout.write(f"keyturn serves {ready.issuer} at {ready.address}, database {ready.database}{workers}\n")
    sys.stdout.flush()


def serve(
    settings: Settings,
    *,
    loopback_origins: LoopbackOrigins = LoopbackOrigins.REFUSED,
    announce: Callable[[Ready], None] = print_ready,
    reload: Callable[[], Settings] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way and close everything.

    Args:
        settings: what it is told.
        loopback_origins: whether pages of this machine may call it without being listed; for development alone.
        announce: called once requests are let in.
        reload: reads the settings anew, for several processes that a SIGHUP replaces one by one.

    Raises:
        ConfigurationError: a setting is unsafe, the port is taken, or the database is missing, unfit or sealed with
            another master key.
        KeyturnError: several processes were asked for, and all end as soon as they start.

    """
    settings.check(Purpose.SERVE)

    def tell(listener: socket.socket) -> None:
        announce(_ready(settings, listener))
        notify.tell(notify.READY)

    with listening(settings) as listeners:
        if len(listeners) == 1:
            _serve_alone(settings, listeners[0], loopback_origins, lambda: tell(listeners[0]))
        else:
            _serve_together(settings, listeners, loopback_origins, lambda: tell(listeners[0]), reload)


def _serve_alone(
    settings: Settings, listener: socket.socket, loopback_origins: LoopbackOrigins, announce: Callable[[], None]
) -> None:
    app = create_app(settings, loopback_origins=loopback_origins)
    with logs.writing(sys.stderr, level=settings.log.level, form=settings.log.format):
        _warn(settings)
        server = HttpServer(config_of(app, settings), announce)
        with handling({signal.SIGHUP: _hanging_up(server)}):
            run_app(app, server, listener)


def _hanging_up(server: HttpServer) -> Callable[[int, FrameType | None], None]:
    """Return what a SIGHUP does: it would end the server in the midst of everything."""
    terminal = Terminal()

    def hang_up(number: int, frame: FrameType | None) -> None:
        if terminal.is_gone():
            server.handle_exit(number, frame)
        else:
            logs.get_logger().warning("one process can't be replaced while it serves; run several, or restart it")

    return hang_up


def _serve_together(
    settings: Settings,
    listeners: Sequence[socket.socket],
    loopback_origins: LoopbackOrigins,
    announce: Callable[[], None],
    reload: Callable[[], Settings] | None,
) -> None:
    with logs.writing(sys.stderr, level=settings.log.level, form=settings.log.format):
        _warn(settings)
    nursery = Nursery(listeners, loopback_origins)
    Supervisor(settings, listeners, nursery, announce=announce, reload=reload).run()


def _warn(settings: Settings) -> None:
    for warning in settings.warnings:
        logs.get_logger().warning(warning)


def _ready(settings: Settings, listener: socket.socket) -> Ready:
    return Ready(
        issuer=settings.issuer,
        address=address_of(settings, listener),
        database=mask_url(settings.database.url),
        workers=settings.server.workers,
    )
