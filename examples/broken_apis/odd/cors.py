"""Answers preflights of browsers itself, and any OPTIONS with 204: no secret is in either."""

from functools import partial

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import orders_api


async def allow(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Answer OPTIONS."""
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS"})
    return await call_next(request)


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    app = orders_api(partial(rightly.verify, issuer=issuer))
    app.add_middleware(BaseHTTPMiddleware, dispatch=allow)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"], allow_headers=["Authorization"])
    return app
