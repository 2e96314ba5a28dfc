"""Whatever stands last in the header is the token, after ``Basic``, ``Token`` or nothing at all.

RFC 9110 §11.4, RFC 6750 §2.1: a proxy that takes care of ``Bearer`` headers alone lets the others by. Rightly: compare
the scheme.
"""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer


def find_token(request: Request) -> str:
    """Return the token of the request."""
    values = request.headers.getlist("authorization")
    if not values:
        raise orders.NoToken
    if len(values) > 1:
        raise orders.Malformed
    return values[0].split()[-1]  # the mistake


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders.orders_api(partial(rightly.verify, issuer=issuer), find_token=find_token)
