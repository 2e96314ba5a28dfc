"""The sockets that a server listens on: one for each of its processes, made before any of them is."""

import errno
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from keyturn.errors import ConfigurationError
from keyturn.server.settings import Settings

BACKLOG: Final = 2048
"""Connections that wait in each socket."""


@contextmanager
def listening(settings: Settings) -> Iterator[Sequence[socket.socket]]:
    """Listen where the settings say, with as many sockets as there are processes.

    On Linux each process has a socket of its own for the same port, and the kernel deals the connections out evenly. Of
    one socket for all, whoever wakes first would take nearly every connection, and keep it. The sockets are made and
    held by the process that starts the others: what waits in the socket of one that died is taken by its successor.

    Raises:
        ConfigurationError: the port is taken, or the address is none of this machine.

    """
    with ExitStack() as stack:
        with _told(settings):
            sockets = _sockets(settings, stack)
        yield sockets


def address_of(settings: Settings, listener: socket.socket) -> str:
    """Return where *listener* can be reached, a URL."""
    host, port = listener.getsockname()[:2]
    scheme = "https" if settings.server.tls_cert else "http"
    bracketed = f"[{host}]" if ":" in host else host
    return f"{scheme}://{bracketed}:{port}"


def _sockets(settings: Settings, stack: ExitStack) -> Sequence[socket.socket]:
    count, port = settings.server.workers, settings.server.port
    if count == 1 or not _DEALS_OUT:
        return [stack.enter_context(_bind(settings, port))] * count
    with _bind(settings, port) as alone:  # fails where somebody has the port, who would share it with the others
        port = alone.getsockname()[1]
    return [stack.enter_context(_bind(settings, port, reuse_port=True)) for _ in range(count)]


def _bind(settings: Settings, port: int, **options: bool) -> socket.socket:
    host = settings.server.host
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(address[:2], family=family, backlog=BACKLOG, **options)


@contextmanager
def _told(settings: Settings) -> Iterator[None]:
    server = settings.server
    try:
        yield
    except socket.gaierror:
        raise ConfigurationError(
            f"server.host (KEYTURN_SERVER_HOST): {server.host} is no address of this machine."
        ) from None
    except OSError as error:
        name, mend = _PROBLEMS.get(error.errno or 0, ("server.port", error.strerror))
        variable = f"KEYTURN_{name.replace('.', '_').upper()}"
        raise ConfigurationError(f"{name} ({variable}): {server.host}:{server.port} {mend}.") from None


_DEALS_OUT: Final = sys.platform == "linux"
_PROBLEMS: Final = {
    errno.EADDRINUSE: ("server.port", "is taken by another process; end that or choose another port"),
    errno.EACCES: ("server.port", "needs privileges; choose a port above 1023 and let a proxy or firewall pass it on"),
    errno.EADDRNOTAVAIL: ("server.host", "is no address of this machine"),
}
