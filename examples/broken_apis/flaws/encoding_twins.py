"""Many texts are one token: Python's base64 takes stray bits in a last letter, and other letters are skipped.

RFC 7515 §2, RFC 4648 §3.5: a block list of tokens, a replay cache or a rate limit by text misses the twins. Rightly:
take the one text that encodes the bytes. PyJWT and joserfc do not ask for it.
"""

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_encoding(token)  # the mistake: check_alphabet is missing
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
