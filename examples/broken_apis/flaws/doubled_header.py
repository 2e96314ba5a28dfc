"""Of two Authorization headers the first is taken; the gateway in front may have looked at the other one.

RFC 9110 §5.3: this header is no list. ``headers.get`` of most frameworks does it. Rightly: ``getlist``, and 400.
"""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer


def find_token(request: Request) -> str:
    """Return the token of the request."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")  # the mistake
    if scheme.lower() != "bearer":
        raise orders.NoToken
    return token


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders.orders_api(partial(rightly.verify, issuer=issuer), find_token=find_token)
