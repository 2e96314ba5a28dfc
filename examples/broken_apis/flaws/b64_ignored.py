"""``b64`` is on the list of extensions that are understood, and then nothing is done about it.

The payload of such a token is not base64 (RFC 7797 §3): what was signed is not what is read. Rightly: take it off the
list; no JWT may have it (RFC 7797 §7).
"""

from broken_apis import by_hand, rightly
from broken_apis.issuer import TYPE, Claims, Issuer

UNDERSTOOD = {"b64"}  # the mistake


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    parsed = by_hand.parse(token)
    if parsed.header.get("typ") != TYPE or parsed.header.get("kid") != issuer.kid:
        raise rightly.Refused
    critical = parsed.header.get("crit", ["b64"])
    if not critical or not UNDERSTOOD.issuperset(critical):
        raise rightly.Refused
    by_hand.check_signature(parsed, issuer)
    return by_hand.check_claims(parsed.claims, issuer)
