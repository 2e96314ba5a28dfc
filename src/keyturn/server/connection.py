"""Bounds of one connection that the HTTP/1.1 parser does not have: how large a head, how slow a peer may be."""

import json
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keyturn.errors import InvalidRequest

MAX_HEAD_BYTES: Final = 32 * 1024
MAX_FIELDS: Final = 100
PATIENCE_SECONDS: Final = 20.0
"""How long a request may take from its first byte to its last, and a connection until its first byte."""


class BoundedConnection(HttpToolsProtocol):
    """Answers 400 to a head that is too large; `is_overdue` says when to hang up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **kwargs)
        self._awaited_since: float | None = self.loop.time()
        self._head_bytes = 0
        self._in_head = True

    def is_overdue(self, now: float) -> bool:
        """Say whether the peer has owed us the rest of a request for too long, at the event loop's *now*."""
        return self._awaited_since is not None and now - self._awaited_since > PATIENCE_SECONDS

    def hang_up(self) -> None:
        """End the connection without an answer."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take in what came."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a request."""
        super().on_message_begin()
        self._awaited_since = self.loop.time()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Pass the request on.

        Raises:
            ValueError: its head is too large; the parser's user answers 400.

        """
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES or len(self.headers) > MAX_FIELDS:
            raise ValueError("the head is too large")
        self._in_head = False
        self._head_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for nothing more until the next request begins."""
        super().on_message_complete()
        self._awaited_since = None
        self._in_head = True

    def send_400_response(self, msg: str) -> None:
        """Answer in our own words. *msg* is the server's, and says no more."""
        del msg
        self._refuse()

    def _refuse(self) -> None:
        head = [b"HTTP/1.1 400 Bad Request\r\n"]
        head += [name + b": " + value + b"\r\n" for name, value in self.server_state.default_headers]
        self.transport.write(b"".join([*head, _HEADERS, _BODY]))
        self.transport.close()


_BODY: Final = json.dumps(
    {"type": "about:blank", "title": InvalidRequest.sentence, "status": 400, "error": InvalidRequest.code.value}
).encode()
_HEADERS: Final = (
    b"content-type: application/problem+json\r\ncache-control: no-store\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n" % len(_BODY)
)
