"""``typ`` is not looked at: an ID token, a logout token or a password reset of the same issuer opens the API.

RFC 8725 §2.8, §3.11; RFC 9068 §4. Rightly: take ``at+jwt`` and nothing else.
"""

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    header = jwt.get_unverified_header(token)
    if header.get("kid") != issuer.kid or "crit" in header or "b64" in header:
        raise rightly.Refused  # the mistake: nothing is said of "typ"
    claims = jwt.decode(
        token,
        issuer.public_key,
        algorithms=[issuer.algorithm],
        audience=issuer.audience,
        issuer=issuer.url,
        options={"require": rightly.REQUIRED},
    )
    return rightly.check_times(claims)
