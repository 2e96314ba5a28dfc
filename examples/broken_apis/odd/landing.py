"""Has a page at ``/`` for everybody who comes by."""

from functools import partial

from starlette.applications import Starlette
from starlette.routing import Route

from broken_apis import rightly
from broken_apis.issuer import Issuer
from broken_apis.orders import orders_api, public


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    app = orders_api(partial(rightly.verify, issuer=issuer))
    app.router.routes.append(Route("/", public))
    return app
