"""Shows the page for logging in, with 200, instead of what was asked for."""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import orders_api


def refuse(_request: Request, _error: Exception) -> Response:
    """Answer a request whose token is no good."""
    return HTMLResponse("<!doctype html><title>Log in</title><form method=post></form>")


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders_api(partial(rightly.verify, issuer=issuer), refuse=refuse)
