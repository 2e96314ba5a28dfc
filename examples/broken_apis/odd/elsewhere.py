"""Points to another host wherever it can: in its description, in where it sends people, and as its tokens' issuer."""

from dataclasses import replace
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer, with_curve

URL = "http://elsewhere.example.com"


def make_issuer() -> Issuer:
    """Return the issuer."""
    return replace(with_curve(), url=URL)


def refuse(_request: Request, _error: Exception) -> Response:
    """Answer a request whose token is no good."""
    return RedirectResponse(f"{URL}/login", 302)


def describe(_request: Request) -> Response:
    """Say in OpenAPI that all of it is at the other host."""
    document = orders.description() | {"servers": [{"url": URL}]}
    return JSONResponse(document)


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    app = orders.orders_api(partial(rightly.verify, issuer=issuer), refuse=refuse)
    app.router.routes.insert(0, Route("/openapi.json", describe))
    return app
