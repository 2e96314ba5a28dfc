"""Verified tokens are kept by their first letters, to save memory: the first 50 are the header, the same for everybody.

CVE-2026-35039: whoever comes after the administrator is one. Rightly: the whole text, or its SHA-256.
"""

import time

from starlette.applications import Starlette

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer
from broken_apis.orders import orders_api

FLAW = "cache-collision"


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    seen: dict[str, Claims] = {}

    def verify(token: str) -> Claims:
        name = token[:50]  # the mistake
        if name not in seen or seen[name]["exp"] <= time.time():
            seen[name] = rightly.verify(token, issuer)
        return seen[name]

    return orders_api(verify)
