"""Answers with what it was asked, but for the token."""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer


def refuse(request: Request, error: Exception) -> Response:
    """Answer a request whose token is no good."""
    plain = orders.refuse(request, error)
    headers = {name: value for name, value in request.headers.items() if name != "authorization"}
    asked = {"method": request.method, "path": request.url.path, "headers": headers}
    return JSONResponse(asked, plain.status_code, {"WWW-Authenticate": plain.headers["www-authenticate"]})


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders.orders_api(partial(rightly.verify, issuer=issuer), refuse=refuse)
