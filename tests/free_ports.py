"""Ports for servers that tests start: of a range that no kernel gives to clients, so that none takes one meanwhile."""

import secrets
import socket
from contextlib import suppress
from typing import Final

_RANGE: Final = range(10_000, 16_000)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    while True:
        port = secrets.choice(_RANGE)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
