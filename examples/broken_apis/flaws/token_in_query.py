"""The token may stand in the URL, for downloads: from there it goes to logs, the history and the Referer header.

RFC 9700 §4.3.2, RFC 6750 §5.3. Rightly: the Authorization header alone; for a download, a ticket that is good once.
"""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer


def find_token(request: Request) -> str:
    """Return the token of the request."""
    if "access_token" in request.query_params:
        return request.query_params["access_token"]  # the mistake
    return orders.find_token(request)


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders.orders_api(partial(rightly.verify, issuer=issuer), find_token=find_token)
