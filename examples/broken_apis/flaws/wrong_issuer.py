"""Nobody asks who issued the token: PyJWT checks ``iss`` only where ``issuer=`` was given.

RFC 8725 §3.8: with a key that two issuers share, or two keys in one set, one speaks for the other's users. Rightly:
``issuer="https://…"``.
"""

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    rightly.check_header(token, issuer)
    claims = jwt.decode(  # the mistake: no "issuer"
        token,
        issuer.public_key,
        algorithms=[issuer.algorithm],
        audience=issuer.audience,
        options={"require": rightly.REQUIRED},
    )
    return rightly.check_times(claims)
