"""Uvicorn, as this server runs it: with bounds on connections, and signals that end it in order."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
from starlette.applications import Starlette

from keyturn.server.app import serving
from keyturn.server.processes.signals import handling
from keyturn.server.settings import Settings
from keyturn.server.wire import tls
from keyturn.server.wire.capacity import OpenConnections, connection_limit
from keyturn.server.wire.connection import BoundedConnection
from keyturn.server.wire.listening import BACKLOG

GRACE_SECONDS: Final = 10
"""How long requests that are under way may take once the end has begun."""

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the proxies before us keep an idle connection, so that none sends a request into a closing one."""


class HttpServer(uvicorn.Server):
    """Serves one app; calls *announce* once requests are let in."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self.server_state = OpenConnections(limit=connection_limit())
        self._announce = announce
        self.let_go: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections."""
        await super().startup(sockets)
        self._announce()

    async def on_tick(self, counter: int) -> bool:
        """Do what is due, ten times a second; return whether the end has begun."""
        if counter % _TICKS_PER_SECOND == 0:
            self._look_after_connections()
        return await super().on_tick(counter)

    async def main_loop(self) -> None:
        """Serve until the end begins; then let go whoever waits for news, who would hold it up."""
        await super().main_loop()
        if self.let_go is not None:
            self.let_go()

    @contextlib.contextmanager
    def until_signalled(self) -> Iterator[None]:
        """Let the signals end the serving, while it begins too.

        Uvicorn raises them anew when it is done, so they must still be ours until the store is closed.
        """
        with handling({signal.SIGINT: self.handle_exit, signal.SIGTERM: self.handle_exit}):
            yield

    def _look_after_connections(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self.server_state.connections):
            if isinstance(connection, BoundedConnection):
                connection.look_after(now)


def config_of(app: Starlette, settings: Settings) -> uvicorn.Config:
    """Return how uvicorn is to serve *app*."""
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
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_context_factory=(lambda *_: tls.load(server.tls_cert, server.tls_key)) if server.tls_cert else None,
    )


def run(app: Starlette, server: HttpServer, listener: socket.socket) -> None:
    """Open what *app* works with, serve it until a signal comes, and close it.

    Raises:
        ConfigurationError: the database is missing, unfit, or was sealed with another master key.

    """
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(_serve(app, server, listener))


async def _serve(app: Starlette, server: HttpServer, listener: socket.socket) -> None:
    """Open what the app works with outside uvicorn, which would bury the reason of a failed start in a traceback."""
    server.let_go = app.state.keyturn.end_waiting
    with server.until_signalled():
        async with serving(app.state.keyturn):
            await server.serve(sockets=[listener])


_TICKS_PER_SECOND: Final = 10
