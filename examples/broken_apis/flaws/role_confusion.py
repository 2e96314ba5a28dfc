"""``roles`` is taken for a list unseen: in the text ``no-admin``, and in ``{"admin": false}``, there is one too.

CWE-843, CWE-863. Rightly: look whether it is a list of texts first, as ``AccessToken.roles`` does.
"""

from functools import partial

from starlette.applications import Starlette

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer
from broken_apis.orders import orders_api


def has_role(claims: Claims, role: str) -> bool:
    """Say whether the token gives *role*."""
    return role in claims["roles"]  # the mistake


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    return orders_api(partial(rightly.verify, issuer=issuer), has_role=has_role)
