"""The secret is read with an empty default, so that the tests run without one; in production nobody had set it.

Whoever signs with nothing is in (CVE-2026-44699; RFC 8725 §3.5). Rightly: no default, and no start without a secret.
"""

import hmac
import os

from broken_apis import by_hand, rightly
from broken_apis.issuer import Claims, Issuer

SECRET = os.environ.get("ORDERS_INTERNAL_SECRET", "")  # the mistake


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*, from our issuer or from one of our own services."""
    rightly.check_form(token)
    rightly.check_header(token, issuer)
    parsed = by_hand.parse(token)
    if parsed.header["alg"] == "HS256":
        made = hmac.digest(SECRET.encode(), parsed.signing_input, "sha256")
        if not hmac.compare_digest(made, parsed.signature):
            raise rightly.Refused
    else:
        by_hand.check_signature(parsed, issuer)
    return by_hand.check_claims(parsed.claims, issuer)
