"""Answers 501 to all methods but GET, as Python's ``http.server`` does."""

from functools import partial

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import orders_api


async def only_get(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Refuse other methods."""
    if request.method != "GET":
        return JSONResponse({"error": "unsupported_method"}, 501)
    return await call_next(request)


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    app = orders_api(partial(rightly.verify, issuer=issuer))
    app.add_middleware(BaseHTTPMiddleware, dispatch=only_get)
    return app
