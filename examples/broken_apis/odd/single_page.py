"""Answers every path that it does not know with the page of its front end, and 200."""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import orders_api


def page(_request: Request) -> Response:
    """Show the front end."""
    return HTMLResponse("<!doctype html><title>Orders</title><div id=app></div>")


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    app = orders_api(partial(rightly.verify, issuer=issuer))
    app.router.routes.append(Route("/{path:path}", page, methods=["GET", "POST", "OPTIONS"]))
    return app
