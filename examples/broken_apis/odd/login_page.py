"""Sends everybody whose token is no good to a page for logging in, which answers 200."""

from functools import partial
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import orders_api


def refuse(request: Request, _error: Exception) -> Response:
    """Answer a request whose token is no good."""
    return RedirectResponse(f"/login?{urlencode({'next': str(request.url)})}", 302)


def login(_request: Request) -> Response:
    """Show the page."""
    return HTMLResponse("<!doctype html><title>Log in</title><form method=post></form>")


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    app = orders_api(partial(rightly.verify, issuer=issuer), refuse=refuse)
    app.router.routes.append(Route("/login", login))
    return app
