"""Any time to come is a good ``exp``: the service that wrote milliseconds for seconds has made tokens for 33,000 years.

RFC 9700 §2.2.1, RFC 8725 §3.9: PyJWT asks only whether it is over. Rightly: know how long your issuer's tokens live.
"""

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    rightly.check_header(token, issuer)
    claims = jwt.decode(
        token,
        issuer.public_key,
        algorithms=[issuer.algorithm],
        audience=issuer.audience,
        issuer=issuer.url,
        options={"require": rightly.REQUIRED},
    )
    if not all(type(claims[name]) is int for name in ("exp", "iat")):
        raise rightly.Refused
    return claims  # the mistake: check_lifetime is missing
