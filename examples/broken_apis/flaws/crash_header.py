"""A header is taken for an object, since every library writes one: ``[]`` is JSON too, and a list has no ``get``.

RFC 7515 §4; CWE-20, CWE-755. So is ``[[[[…``, deeper than Python can follow. Rightly: whatever goes wrong while a token
is read is a refusal.
"""

import json

import jwt
from jwt.utils import base64url_decode
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from broken_apis import orders, rightly
from broken_apis.issuer import Claims, Issuer

FLAW = "crash"


def refuse(request: Request, error: Exception) -> Response:
    """Answer a request whose token is no good."""
    known = (jwt.InvalidTokenError, rightly.Refused, orders.NoToken, orders.Malformed, ValueError, KeyError)
    if isinstance(error, known):
        return orders.refuse(request, error)
    raise error


def build(issuer: Issuer) -> Starlette:
    """Return the API."""

    def verify(token: str) -> Claims:
        header = json.loads(base64url_decode(token.partition(".")[0]))
        if header.get("kid") != issuer.kid:  # the mistake
            raise rightly.Refused
        return rightly.verify(token, issuer)

    return orders.orders_api(verify, refuse=refuse)
