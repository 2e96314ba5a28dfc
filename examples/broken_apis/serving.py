"""Runs a target as a real server, on this machine alone and on a port that was free."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from broken_apis.target import Target, load

HOST: Final = "127.0.0.1"
PATIENCE_SECONDS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A target that answers.

    Attributes:
        target: what it is.
        url: where.

    """

    target: Target
    url: str


@contextmanager
def serving(name: str, port: int = 0, around: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> Iterator[Served]:
    """Serve the target *name* from a thread as long as the ``with`` runs; *around* may wrap its app.

    A port of 0 is for any that is free.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        target = load(name, url)
        app = around(target.app)
        config = uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name=name)
        thread.start()
        try:
            _wait(server, thread)
            yield Served(target=target, url=url)
        finally:
            server.should_exit = True
            thread.join()


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > give_up_at:
            raise RuntimeError("the server did not start")
        time.sleep(0.005)
