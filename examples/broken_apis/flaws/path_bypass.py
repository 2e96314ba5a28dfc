"""The middleware protects a list of paths, and the router behind it knows more names for them, such as ``//orders``.

CWE-22, CWE-289, CWE-863; CVE-2023-34034 (Spring), CVE-2022-32532 (Shiro). Rightly: check on the route, which has one
idea of its path; or protect everything but a list of what is public.
"""

import re

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer


class Tidy:
    """Let people write a path as they like, as many a router and proxy does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as for the tidy path."""
        await self._app({**scope, "path": re.sub("/+", "/", scope.get("path", "")).rstrip("/")}, receive, send)


def build(issuer: Issuer) -> Starlette:
    """Return the API."""

    async def authenticate(request: Request, call_next: RequestResponseEndpoint) -> Response:
        allows = orders.NEEDS.get(request.url.path)  # the mistake: by the path as it was written
        if allows is None:
            return await call_next(request)
        try:
            claims = rightly.verify(orders.find_token(request), issuer)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a token, it is refused
            return orders.refuse(request, error)
        return await call_next(request) if allows(claims) else orders.forbid()

    return orders.bare_api(Middleware(BaseHTTPMiddleware, dispatch=authenticate), Middleware(Tidy))
