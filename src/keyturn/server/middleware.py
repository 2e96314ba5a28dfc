"""What surrounds every request: its id and its address, the headers of the answer, a metric, a log line, the last 500.

Pure ASGI: around the whole of our own server, or around each route inside another app.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keyturn.server import cors, request_id, security_headers
from keyturn.server.exchange import Exchange, begin
from keyturn.server.observing import logs
from keyturn.server.problems import server_error
from keyturn.server.reading.client_address import client_address, networks
from keyturn.server.resource import face_of
from keyturn.server.state import ServerState

Header = tuple[bytes, bytes]


class KeyturnMiddleware:
    """Wraps *app*, whose requests find the server as ``scope["app"].state.keyturn``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on and see to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        state: ServerState = scope["app"].state.keyturn
        exchange = _exchange(scope, state)
        begin(scope, exchange)
        answer = _Answer(send, _headers(scope, state, exchange))
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            answer.status = _CLIENT_CLOSED
        except Exception as error:  # noqa: BLE001 - the last resort: the log gets it all, the peer an id
            logs.log_failure(error, request_id=exchange.request_id)
            await answer.fail(scope, receive, exchange, state)
        finally:
            _record(scope, state, exchange, answer.status, time.perf_counter() - began)


@dataclass(slots=True)
class _Answer:
    """The answer on its way out."""

    _send: Send
    _headers: list[Header]
    status: int = 0

    async def send(self, message: Message) -> None:
        """Send *message*, with our headers if it is the one that begins the answer.

        Raises:
            ClientDisconnect: the peer went away, which an ASGI server says with an OSError.

        """
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own: list[Header] = list(message.get("headers", ()))
            message["headers"] = [*own, *self._headers, *security_headers.missing_headers(own)]
        try:
            await self._send(message)
        except OSError:
            raise ClientDisconnect from None

    async def fail(self, scope: Scope, receive: Receive, exchange: Exchange, state: ServerState) -> None:
        """Answer 500, unless an answer has begun: then only breaking off is left, which the server does."""
        if self.status:
            raise RuntimeError("the answer broke off")
        response = server_error(exchange.request_id, face_of(scope), issuer=state.settings.issuer)
        with suppress(ClientDisconnect):
            await response(scope, receive, self.send)


def _exchange(scope: Scope, state: ServerState) -> Exchange:
    client = scope.get("client")
    address = client_address(
        client[0] if client else "",
        forwarded_for=_values(scope, b"x-forwarded-for"),
        forwarded=_values(scope, b"forwarded"),
        trusted_proxies=networks(state.settings.server.trusted_proxies),
    )
    return Exchange(request_id=request_id.choose(_values(scope, b"x-request-id")), address=address)


def _headers(scope: Scope, state: ServerState, exchange: Exchange) -> list[Header]:
    return [
        (b"x-request-id", exchange.request_id.encode("ascii")),
        *security_headers.fixed_headers(state.settings.issuer),
        *_cors_headers(scope, state),
    ]


def _cors_headers(scope: Scope, state: ServerState) -> Sequence[Header]:
    origins = _values(scope, b"origin")
    if len(origins) != 1 or not state.origins.allows(origins[0]):
        return _VARY
    if scope["method"] == "OPTIONS" and _values(scope, b"access-control-request-method"):
        return (*_VARY, *cors.preflight_headers(origins[0]))
    return (*_VARY, *cors.answer_headers(origins[0]))


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _record(scope: Scope, state: ServerState, exchange: Exchange, status: int, seconds: float) -> None:
    route = _template(scope.get("route"))
    state.metrics.observe_request(scope["method"], route, status, seconds)
    logs.log_request(
        method=scope["method"],
        route=route,
        status=status,
        seconds=seconds,
        request_id=exchange.request_id,
        address=exchange.address,
    )


def _template(route: BaseRoute | Any) -> str:  # noqa: ANN401 - another framework's route
    """Return the template of the URL, which names no session; nothing where no URL of ours was asked for."""
    return str(getattr(route, "path", ""))


#: What nginx logs where the peer went away before there was an answer.
_CLIENT_CLOSED: Final = 499

_VARY: Final[tuple[Header, ...]] = ((b"vary", b"Origin"),)
