"""Bounds of one connection that the HTTP/1.1 parser does not have: how much a peer may send, how slow it may be.

The parser keeps what it is given: fields after a body (trailers, RFC 9112 §7.1.2) without end, requests that did not
wait for an answer (pipelining, §9.3.2) without number. And uvicorn's only timer stops at the first byte that comes.
"""

import asyncio
from typing import Any, Final
from weakref import WeakMethod

from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from keyturn.server.wire.capacity import MAX_TOLD, OpenConnections
from keyturn.server.wire.outlet import Outlet
from keyturn.server.wire.raw_answer import MALFORMED, TOO_MANY_CONNECTIONS, RawAnswer

MAX_HEAD_BYTES: Final = 32 * 1024
"""Also of everything else that is no body: the fields after it, the extensions of its chunks, empty lines."""

MAX_FIELDS: Final = 100
MAX_PIPELINED: Final = 8
PATIENCE_SECONDS: Final = 20.0
"""How long a request may take from its first byte to its last, a connection until its first byte, and an answer that
does not fit into the buffers until it is taken.
"""


class BoundedConnection(HttpToolsProtocol):
    """Answers 400 to a head that is too large, and hangs up on a peer that keeps us waiting."""

    def __init__(
        self,
        config: Config,
        server_state: OpenConnections,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._open = server_state
        self._now = self.loop.time()
        self._awaited_since: float | None = self._now
        self._stuck_since: float | None = None
        self._bytes_outside_bodies = 0
        self._in_head = True
        self._answering: RequestResponseCycle | None = None

    def look_after(self, now: float) -> None:
        """Hang up on a peer that has kept us waiting for too long at the event loop's *now*; called every second."""
        if not (self.flow.write_paused or self.transport.is_closing()):
            self._stuck_since = None
        elif self._stuck_since is None:
            self._stuck_since = now
        if _is_overdue(self._awaited_since, now) or _is_overdue(self._stuck_since, now):
            self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Begin, unless there are too many already."""
        super().connection_made(transport)
        self.transport = Outlet(transport, WeakMethod(self._on_closed_transport))
        excess = self._open.excess()
        if excess > MAX_TOLD:
            self.transport.abort()
        elif excess:
            self._answer_and_close(TOO_MANY_CONNECTIONS)

    def connection_lost(self, exc: Exception | None) -> None:
        """End. Whoever is still being answered is told; whoever waits behind is forgotten."""
        super().connection_lost(exc)
        self.pipeline.clear()
        self._on_closed_transport()

    def data_received(self, data: bytes) -> None:
        """Take in what came."""
        self._now = self.loop.time()
        if self._awaited_since is None:
            self._awaited_since = self._now  # also where it begins no request: uvicorn's timer has stopped
        self._bytes_outside_bodies += len(data)
        super().data_received(data)
        if self._bytes_outside_bodies > MAX_HEAD_BYTES:
            self._refuse()

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a request."""
        super().on_message_begin()
        self._awaited_since = self._now

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field of the head. One that comes after the body has no meaning to anything here.

        Raises:
            ValueError: there are too many; the parser's user answers 400.

        """
        if not self._in_head:
            return
        if len(self.headers) >= MAX_FIELDS:
            raise ValueError("the head has too many fields")
        super().on_header(name, value.rstrip(b" \t"))  # the parser leaves what RFC 9110 §5.5 takes off

    def on_headers_complete(self) -> None:
        """Pass the request on.

        One that asks for another protocol (RFC 9110 §7.8) is answered in this one, as the last of its connection: the
        parser takes all behind its head for the other protocol, and then again for a request.

        Raises:
            ValueError: its head is too large, too many requests wait already, its URL has a fragment, or it has a body
                that the parser would not see; the parser's user answers 400.

        """
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES or len(self.pipeline) >= MAX_PIPELINED:
            raise ValueError("the head is too large, or it did not wait for an answer")
        if b"#" in self.url:  # no part of a request (RFC 9112 §3.2); the parser would leave it and what follows out
            raise ValueError("a fragment")
        is_last = self.parser.should_upgrade()
        if is_last and any(map(_announces_body, self.headers)):
            raise ValueError("a body behind an Upgrade")
        super().on_headers_complete()
        if is_last:
            self.cycle.keep_alive = False
        self._bytes_outside_bodies = 0
        self._in_head = False

    def on_body(self, body: bytes) -> None:
        """Take in a part of a body, which whoever reads it bounds."""
        self._bytes_outside_bodies = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for nothing more until the next request begins, unless the answer went out before: no timer runs."""
        super().on_message_complete()
        self._awaited_since = self._now if self.cycle.response_complete else None
        self._bytes_outside_bodies = 0
        self._in_head = True

    def send_400_response(self, msg: str) -> None:
        """Answer in our own words. *msg* is the server's, and says no more."""
        del msg
        self._refuse()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _on_closed_transport(self) -> None:
        """Let the request that is being answered know; uvicorn tells the one that came last."""
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def _refuse(self) -> None:
        """Answer 400 and close; only close where the peer would take it for the answer to something else."""
        if self.transport.is_closing():
            return
        if self._is_next_answer_ours():
            self._answer_and_close(MALFORMED)
        else:
            self.transport.close()
        self._on_closed_transport()

    def _is_next_answer_ours(self) -> bool:
        """Say whether the next answer the peer waits for is that to what it sends now."""
        if self._answering is None or self._in_head:
            return self._answering is None or self._answering.response_complete
        return self._answering is self.cycle and not self._answering.response_started

    def _answer_and_close(self, answer: RawAnswer) -> None:
        self.transport.write(answer.with_headers(self.server_state.default_headers))
        self.transport.close()


def _announces_body(header: tuple[bytes, bytes]) -> bool:
    name, value = header
    return name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0") != b"")


def _is_overdue(since: float | None, now: float) -> bool:
    return since is not None and now - since > PATIENCE_SECONDS
