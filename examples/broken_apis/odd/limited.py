"""Takes only so many requests a second, and answers 429 to the others."""

import time
from functools import partial

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import orders_api

REQUESTS_A_SECOND = 100
BURST = 100


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    free_at = [0.0]

    async def limit(request: Request, call_next: RequestResponseEndpoint) -> Response:
        now = time.monotonic()
        if free_at[0] - now > BURST / REQUESTS_A_SECOND:
            return JSONResponse({"error": "rate_limited"}, 429, {"Retry-After": "1"})
        free_at[0] = max(free_at[0], now) + 1 / REQUESTS_A_SECOND
        return await call_next(request)

    app = orders_api(partial(rightly.verify, issuer=issuer))
    app.add_middleware(BaseHTTPMiddleware, dispatch=limit)
    return app
