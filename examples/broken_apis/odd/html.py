"""Refuses with a page of HTML, as behind many a gateway."""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer


def refuse(request: Request, error: Exception) -> Response:
    """Answer a request whose token is no good."""
    plain = orders.refuse(request, error)
    page = f"<!doctype html><title>{plain.status_code}</title><h1>Please log in</h1>"
    return HTMLResponse(page, plain.status_code, {"WWW-Authenticate": plain.headers["www-authenticate"]})


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders.orders_api(partial(rightly.verify, issuer=issuer), refuse=refuse)
