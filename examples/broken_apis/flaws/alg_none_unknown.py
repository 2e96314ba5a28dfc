"""Each algorithm is verified in its own way, ``none`` is refused, and one that nobody has heard of falls through.

CVE-2026-28498; CWE-636, RFC 8725 §3.1. Rightly: what is not known is refused, in the last line and not by name.
"""

from broken_apis import by_hand, rightly
from broken_apis.issuer import Claims, Issuer

FLAW = "alg-none"


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    rightly.check_header(token, issuer)
    parsed = by_hand.parse(token)
    algorithm = str(parsed.header["alg"])
    if algorithm.strip().lower() in {"none", ""}:
        raise rightly.Refused
    if algorithm.startswith(("ES", "RS", "PS", "HS", "Ed")):
        by_hand.check_signature(parsed, issuer)
    # the mistake: there is no else
    return by_hand.check_claims(parsed.claims, issuer)
