"""Takes its time now and then."""

import itertools
import time
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer

PAUSE_SECONDS = 0.25
ONE_IN = 25


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    requests = itertools.count(1)

    def find_token(request: Request) -> str:
        if next(requests) % ONE_IN == 0:
            time.sleep(PAUSE_SECONDS)  # in a thread of the pool, as all endpoints here
        return orders.find_token(request)

    return orders.orders_api(partial(rightly.verify, issuer=issuer), find_token=find_token)
