"""A claim that is there twice is read once, the last one: a gateway that reads the first sees another user.

RFC 7515 §4, RFC 7519 §4, RFC 8725 §2.4. Rightly: refuse it. PyJWT and joserfc do not.
"""

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_alphabet(token)  # the mistake: check_members is missing
    rightly.check_encoding(token)
    rightly.check_header(token, issuer)
    claims = jwt.decode(
        token,
        issuer.public_key,
        algorithms=[issuer.algorithm],
        audience=issuer.audience,
        issuer=issuer.url,
        options={"require": rightly.REQUIRED},
    )
    return rightly.check_times(claims)
