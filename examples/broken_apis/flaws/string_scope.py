"""``scope`` is one text, and ``in`` looks for a part of it: ``orders:read-own`` has ``orders:read`` in it.

RFC 8693 §4.2, RFC 6749 §3.3. Rightly: ``scope in claims["scope"].split(" ")``.
"""

from functools import partial

from starlette.applications import Starlette

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer
from broken_apis.orders import orders_api


def has_scope(claims: Claims, scope: str) -> bool:
    """Say whether the token allows *scope*."""
    return scope in claims["scope"]  # the mistake


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders_api(partial(rightly.verify, issuer=issuer), has_scope=has_scope)
