"""Every refusal is 403, as of FastAPI's ``HTTPBearer`` until 0.122: a client can't tell that it should log in again.

RFC 6750 §3.1, RFC 9110 §15.5.2. Rightly: 401 for a token that is no good, 403 for a scope that is missing.
"""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import orders_api


def refuse(_request: Request, _error: Exception) -> Response:
    """Answer a request whose token is no good."""
    return JSONResponse({"detail": "Not authenticated"}, 403)  # the mistake


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders_api(partial(rightly.verify, issuer=issuer), refuse=refuse)
