"""Answers 503 now and then, to good tokens and to bad ones."""

import itertools
from functools import partial

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import orders_api

ONE_IN = 9


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    requests = itertools.count(1)

    async def stumble(request: Request, call_next: RequestResponseEndpoint) -> Response:
        if next(requests) % ONE_IN == 0:
            return JSONResponse({"error": "temporarily_unavailable"}, 503)
        return await call_next(request)

    app = orders_api(partial(rightly.verify, issuer=issuer))
    app.add_middleware(BaseHTTPMiddleware, dispatch=stumble)
    return app
