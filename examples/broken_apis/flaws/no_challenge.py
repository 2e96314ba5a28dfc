"""A 401 says nothing about how to do better: the header WWW-Authenticate is missing.

RFC 9110 §11.6.1 and RFC 6750 §3: it MUST be there. Rightly: ``WWW-Authenticate: Bearer``.
"""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import Malformed, orders_api


def refuse(_request: Request, error: Exception) -> Response:
    """Answer a request whose token is no good."""
    return JSONResponse({"detail": "Unauthorized"}, 400 if isinstance(error, Malformed) else 401)  # the mistake


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders_api(partial(rightly.verify, issuer=issuer), refuse=refuse)
