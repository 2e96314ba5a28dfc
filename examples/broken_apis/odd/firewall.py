"""Has a firewall in front that refuses strange requests with 403, whoever sends them."""

from functools import partial

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import orders_api

STRANGE = (b";", b"//", b"%2", b"%20", b"..")


async def look(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Refuse what has a strange path or asks for another one."""
    path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    if any(sign in path for sign in STRANGE) or "x-original-url" in request.headers:
        return HTMLResponse("<!doctype html><h1>Request blocked</h1>", 403)
    return await call_next(request)


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    app = orders_api(partial(rightly.verify, issuer=issuer))
    app.add_middleware(BaseHTTPMiddleware, dispatch=look)
    return app
