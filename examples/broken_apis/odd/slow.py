"""Takes its time."""

import time
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer

PAUSE_SECONDS = 0.02


def find_token(request: Request) -> str:
    """Return the token of the request."""
    time.sleep(PAUSE_SECONDS)  # in a thread of the pool, as all endpoints here
    return orders.find_token(request)


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders.orders_api(partial(rightly.verify, issuer=issuer), find_token=find_token)
