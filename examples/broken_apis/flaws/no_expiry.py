"""A token without ``exp`` is good for ever: PyJWT checks the claims that are there, and asks for none.

RFC 9068 §2.2, RFC 8725 §3.9. Rightly: ``options={"require": ["exp", …]}``.
"""

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    rightly.check_header(token, issuer)
    claims = jwt.decode(  # the mistake: no "require"
        token,
        issuer.public_key,
        algorithms=[issuer.algorithm],
        audience=issuer.audience,
        issuer=issuer.url,
    )
    return rightly.check_times(claims)
