"""The refusal says which token it is about, to help people: now it is in the logs of every proxy and browser.

CWE-209, CWE-532. Rightly: a fixed sentence; what was wrong goes to the API's own log, by ``jti`` and never as text.
"""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer


def refuse(request: Request, error: Exception) -> Response:
    """Answer a request whose token is no good."""
    answer = orders.refuse(request, error)
    detail = f"{type(error).__name__}: {request.headers.get('authorization')}"  # the mistake
    headers = {"WWW-Authenticate": answer.headers["www-authenticate"]}
    return JSONResponse({"error": "unauthorized", "detail": detail}, answer.status_code, headers)


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders.orders_api(partial(rightly.verify, issuer=issuer), refuse=refuse)
