"""A token may also be JSON, since the library can read that: what checks tokens in front of the API can't.

RFC 7519 §3: a JWT is in compact form, always. CVE-2022-39227 was a text that is both, verified as one and read as the
other. Rightly: take the compact form alone.
"""

import json
from functools import partial

from joserfc import jwk, jws
from starlette.applications import Starlette
from starlette.requests import Request

from broken_apis import by_hand, orders, rightly
from broken_apis.issuer import TYPE, Claims, Issuer


def find_token(request: Request) -> str:
    """Return the token of the request."""
    text = request.headers.get("authorization", "").removeprefix("Bearer ")
    return text if text.startswith("{") else orders.find_token(request)


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    if not token.startswith("{"):
        return rightly.verify(token, issuer)
    key = jwk.import_key(issuer.public_jwk)
    signed = jws.deserialize_json(json.loads(token), key, algorithms=[issuer.algorithm])  # the mistake
    if signed.payload is None or f'"{TYPE}"' not in json.dumps(signed.headers()):
        raise rightly.Refused
    return by_hand.check_claims(json.loads(signed.payload), issuer)


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders.orders_api(partial(verify, issuer=issuer), find_token=find_token)
