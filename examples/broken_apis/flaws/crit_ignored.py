"""``crit`` is not looked at: what the issuer says must be understood is passed over.

RFC 7515 §4.1.11; CVE-2025-59420, CVE-2026-32597. python-jose does the same. Rightly: refuse what is in ``crit`` and
not implemented, as PyJWT does.
"""

from broken_apis import by_hand, rightly
from broken_apis.issuer import TYPE, Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    parsed = by_hand.parse(token)
    if parsed.header.get("typ") != TYPE or parsed.header.get("kid") != issuer.kid or "b64" in parsed.header:
        raise rightly.Refused  # the mistake: nothing is said of "crit"
    by_hand.check_signature(parsed, issuer)
    return by_hand.check_claims(parsed.claims, issuer)
