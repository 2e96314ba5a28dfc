"""The token says how it was signed, and one key does for all of it: the public PEM becomes an HMAC secret.

Everybody has the public key, so everybody signs with it (CVE-2016-10555, CVE-2022-29217; RFC 8725 §2.1). Rightly: the
key decides about the algorithm. PyJWT and joserfc refuse such a secret by now; code by hand does not.
"""

import hmac

from broken_apis import by_hand, rightly
from broken_apis.issuer import Claims, Issuer, with_rsa

make_issuer = with_rsa


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    rightly.check_header(token, issuer)
    parsed = by_hand.parse(token)
    if parsed.header["alg"] == "HS256":  # the mistake
        made = hmac.digest(issuer.public_pem, parsed.signing_input, "sha256")
        if not hmac.compare_digest(made, parsed.signature):
            raise rightly.Refused
    else:
        by_hand.check_signature(parsed, issuer)
    return by_hand.check_claims(parsed.claims, issuer)
