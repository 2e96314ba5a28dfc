"""One route's way into the server, whatever app is around it: the middleware, the server's state, the endpoint."""

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from keyturn.server.middleware import KeyturnMiddleware


class Door:
    """Answers requests to *inner* with the server whose state *host* has."""

    def __init__(self, host: Starlette, inner: Route) -> None:
        self._host = host
        self._route = inner
        self._app = KeyturnMiddleware(inner.app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app({**scope, "app": self._host, "route": self._route}, receive, send)
