"""One URL: a handler for each method it takes, and one face for its errors.

It is an ASGI app, so that it answers alike in our own server and inside another app.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from keyturn.errors import KeyturnError, MethodNotAllowed, NotFound, TemporarilyUnavailable
from keyturn.server import problems
from keyturn.server.exchange import exchange_of, state_of
from keyturn.server.observing import logs
from keyturn.server.problems import Face

Handler = Callable[[Request], Awaitable[Response]]


class Resource:
    """The handlers of one URL. GET answers HEAD too, and every URL answers OPTIONS (RFC 9110 §9.3)."""

    def __init__(self, handlers: Mapping[str, Handler], *, face: Face) -> None:
        self._handlers: Final = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
        self._handlers["OPTIONS"] = self._options
        self._allow: Final = ", ".join(sorted(self._handlers))
        self.face: Final = face

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        handler = self._handlers.get(scope["method"], self._refuse_method)
        try:
            _check_path(scope["path"])
            response = await handler(request)
        except KeyturnError as error:
            if isinstance(error, TemporarilyUnavailable):
                logs.log_unavailable(error, request_id=exchange_of(scope).request_id)
            response = problems.answer(error, self.face, issuer=state_of(request).settings.issuer)
        await response(scope, receive, send)

    async def _options(self, _request: Request) -> Response:
        return Response(status_code=204, headers={"Allow": self._allow})

    async def _refuse_method(self, request: Request) -> Response:
        response = problems.answer(MethodNotAllowed(), self.face, issuer=state_of(request).settings.issuer)
        response.headers["Allow"] = self._allow
        return response


def _check_path(path: str) -> None:
    """Refuse a URL with a line end behind it: the routers' patterns overlook one, and the rules of a proxy do not.

    Raises:
        NotFound: it has one.

    """
    if path.endswith("\n"):
        raise NotFound("a line end")


def face_of(scope: Scope) -> Face:
    """Return how errors are worded at the URL that was asked for, also where it is none of ours."""
    endpoint = getattr(scope.get("route"), "endpoint", None)
    return endpoint.face if isinstance(endpoint, Resource) else Face.PROBLEM
