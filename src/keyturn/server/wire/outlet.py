"""A transport that says when nobody is there to write to, as an ASGI server owes its app.

Between the end of a connection and the call that tells of it, uvloop raises a RuntimeError at a write and asyncio
keeps silent. The first would be logged as a fault of the app, which is none: the peer went away.
"""

import asyncio
from typing import Any
from weakref import WeakMethod


class Outlet(asyncio.Transport):
    """Passes on to *transport*; calls a method of the connection, *on_closed*, when something is written too late."""

    def __init__(self, transport: asyncio.Transport, on_closed: WeakMethod[Any]) -> None:
        super().__init__()
        self._transport = transport
        self._on_closed = on_closed

    def write(self, data: Any) -> None:  # noqa: ANN401 - whatever is bytes
        """Write *data*.

        Raises:
            ConnectionResetError: the connection is closed.

        """
        if self._transport.is_closing():
            if (on_closed := self._on_closed()) is not None:
                on_closed()
            raise ConnectionResetError("the peer went away")
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Say whether the connection is closed or being closed."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection once what was written is on its way."""
        self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()
