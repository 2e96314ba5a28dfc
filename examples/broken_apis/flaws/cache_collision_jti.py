"""Verified tokens are kept by their ``jti``, read before anything is verified: whoever knows the number is its owner.

CVE-2026-35039. A ``jti`` is in every log, and is no secret. Rightly: the whole text, or its SHA-256.
"""

import time

import jwt
from starlette.applications import Starlette

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer
from broken_apis.orders import orders_api

FLAW = "cache-collision"


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    seen: dict[str, Claims] = {}

    def verify(token: str) -> Claims:
        rightly.check_form(token)
        name = jwt.decode(token, options={"verify_signature": False})["jti"]  # the mistake
        if name not in seen or seen[name]["exp"] <= time.time():
            seen[name] = rightly.verify(token, issuer)
        return seen[name]

    return orders_api(verify)
