"""A server of our own: ``keyturn serve``. Binds, opens, serves, and comes to an orderly end on SIGTERM or SIGINT."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import uvicorn
from starlette.applications import Starlette

from keyturn.errors import ConfigurationError
from keyturn.server import logs, tls
from keyturn.server.app import create_app, serving
from keyturn.server.capacity import OpenConnections, connection_limit
from keyturn.server.connection import BoundedConnection
from keyturn.server.cors import LoopbackOrigins
from keyturn.server.settings import Purpose, Settings

GRACE_SECONDS: Final = 10
"""How long requests that are under way may take once the end has begun."""

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the proxies before us keep an idle connection, so that none sends a request into a closing one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What is said once requests are let in. *address* is where we listen, a URL."""

    issuer: str
    address: str
    database: str


def print_ready(ready: Ready) -> None:
    """Print one line."""
    sys.stdout.write(f"keyturn serves {ready.issuer} at {ready.address}, database {ready.database}\n")
    sys.stdout.flush()


def serve(
    settings: Settings,
    *,
    loopback_origins: LoopbackOrigins = LoopbackOrigins.REFUSED,
    announce: Callable[[Ready], None] = print_ready,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way and close everything.

    Args:
        settings: what it is told.
        loopback_origins: whether pages of this machine may call it without being listed; for development alone.
        announce: called once requests are let in.

    Raises:
        ConfigurationError: a setting is unsafe, the port is taken, or the database is missing, unfit or sealed with
            another master key.

    """
    settings.check(Purpose.SERVE)
    app = create_app(settings, loopback_origins=loopback_origins)
    with logs.writing(sys.stderr, level=settings.log.level, form=settings.log.format), _bind(settings) as listener:
        for warning in settings.warnings:
            logs.get_logger().warning(warning)
        server = _Server(_config(app, settings), lambda: announce(_ready(settings, listener)))
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(_serve(app, server, listener))


async def _serve(app: Starlette, server: "_Server", listener: socket.socket) -> None:
    """Open what the app works with outside uvicorn, which would bury the reason of a failed start in a traceback."""
    with server.until_signalled():
        async with serving(app.state.keyturn):
            await server.serve(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self.server_state = OpenConnections(limit=connection_limit())
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_PER_SECOND == 0:
            self._look_after_connections()
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def until_signalled(self) -> Iterator[None]:
        """Let the signals end the serving, while it begins too.

        Uvicorn raises them anew when it is done, so they must still be ours until the store is closed.
        """
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _look_after_connections(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self.server_state.connections):
            if isinstance(connection, BoundedConnection):
                connection.look_after(now)


def _config(app: Starlette, settings: Settings) -> uvicorn.Config:
    server = settings.server
    for name in ("uvicorn.error", "uvicorn.asgi"):  # its warnings are about what peers send, one line for each
        logging.getLogger(name).setLevel(logging.ERROR)
    return uvicorn.Config(
        app,
        http=BoundedConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_context_factory=(lambda *_: tls.load(server.tls_cert, server.tls_key)) if server.tls_cert else None,
    )


def _bind(settings: Settings) -> socket.socket:
    server = settings.server
    try:
        family, _, _, _, address = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except socket.gaierror:
        raise ConfigurationError(
            f"server.host (KEYTURN_SERVER_HOST): {server.host} is no address of this machine."
        ) from None
    except OSError as error:
        name, mend = _BIND_PROBLEMS.get(error.errno or 0, ("server.port", error.strerror))
        variable = f"KEYTURN_{name.replace('.', '_').upper()}"
        raise ConfigurationError(f"{name} ({variable}): {server.host}:{server.port} {mend}.") from None


def _ready(settings: Settings, listener: socket.socket) -> Ready:
    host, port = listener.getsockname()[:2]
    scheme = "https" if settings.server.tls_cert else "http"
    bracketed = f"[{host}]" if ":" in host else host
    return Ready(issuer=settings.issuer, address=f"{scheme}://{bracketed}:{port}", database=settings.database.url)


_BACKLOG: Final = 2048
_TICKS_PER_SECOND: Final = 10
_BIND_PROBLEMS: Final = {
    errno.EADDRINUSE: ("server.port", "is taken by another process; end that or choose another port"),
    errno.EACCES: ("server.port", "needs privileges; choose a port above 1023 and let a proxy or firewall pass it on"),
    errno.EADDRNOTAVAIL: ("server.host", "is no address of this machine"),
}
