"""Claims in UTF-16 are read: ``json.loads`` guesses how bytes are encoded, and whoever looked before saw another text.

RFC 8725 §3.7, RFC 7519 §7.2: a JWT is UTF-8. Rightly: decode as UTF-8 first. PyJWT and joserfc do not.
"""

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_alphabet(token)  # the mistake: check_encoding is missing
    rightly.check_members(token)
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
