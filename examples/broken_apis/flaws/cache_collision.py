"""Verified tokens are kept by their last letters, which differ anyway: whoever sends the end of one is its owner.

CVE-2026-35039. A log that hides the middle of each token gives thousands away. Rightly: the whole text, or its SHA-256.
"""

import time

from starlette.applications import Starlette

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer
from broken_apis.orders import orders_api


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    seen: dict[str, Claims] = {}

    def verify(token: str) -> Claims:
        name = token[-32:]  # the mistake
        if name not in seen or seen[name]["exp"] <= time.time():
            seen[name] = rightly.verify(token, issuer)
        return seen[name]

    return orders_api(verify)
