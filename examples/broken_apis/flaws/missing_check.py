"""A route that was added later, in another file, and never got the check that the others have. OWASP API5:2023.

Rightly: have the app refuse to start with such a route, as ``auth.guard(app)`` of ``keyturn.fastapi`` does.
"""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import orders_api, welcome


def admin(_request: Request) -> Response:
    """Show what only an administrator may see."""
    return welcome({"sub": "everybody"})  # the mistake


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    app = orders_api(partial(rightly.verify, issuer=issuer))
    app.router.routes.insert(0, Route("/admin", admin))
    return app
