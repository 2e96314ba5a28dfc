"""``exp`` is compared as it comes, and Python's JSON knows ``NaN``: no time is later than that.

RFC 7519 §2 (NumericDate), RFC 8259 §6. Rightly: refuse if not ``now < exp``, and take whole numbers alone.
"""

import time

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
        options={"verify_exp": False, "require": rightly.REQUIRED},
    )
    if claims["exp"] < time.time():  # the mistake
        raise rightly.Refused
    rightly.check_lifetime(claims)
    return claims
