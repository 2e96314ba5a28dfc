"""One URL: a handler for each method it takes, and one face for its errors.

It is an ASGI app, so that it answers alike in our own server and inside another app.
"""

import re
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
            _check_spelling(scope)
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


def _check_spelling(scope: Scope) -> None:
    """Refuse a URL that means one of ours and is written in another way: a proxy's rules for ours overlook it.

    That is one with a line end behind it, which routers overlook, or with an escape that no URL needs, ``/%6detrics``.

    Raises:
        NotFound: it is such a URL.

    """
    raw = scope.get("raw_path") or b""
    if scope["path"].endswith("\n") or (b"%" in raw and _NEEDLESS_ESCAPE.search(raw) is not None):
        raise NotFound("another spelling")


def face_of(scope: Scope) -> Face:
    """Return how errors are worded at the URL that was asked for, also where it is none of ours."""
    endpoint = getattr(scope.get("route"), "endpoint", None)
    return endpoint.face if isinstance(endpoint, Resource) else Face.PROBLEM


#: Of a letter, a digit, ``-``, ``.`` or ``_``, which is the same without (RFC 3986 §2.3), or of a slash.
_NEEDLESS_ESCAPE: Final = re.compile(rb"%(?:2[D-Fd-f]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff])")
