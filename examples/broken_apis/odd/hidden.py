"""Refuses with 404, so that strangers can't see what there is."""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import orders_api


def refuse(_request: Request, _error: Exception) -> Response:
    """Answer a request whose token is no good."""
    return JSONResponse({"error": "not_found"}, 404)


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders_api(partial(rightly.verify, issuer=issuer), refuse=refuse)
