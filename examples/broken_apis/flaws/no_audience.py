"""The audience is checked if there is one: a token that leaves it out is for everybody.

RFC 8725 §3.9, RFC 9068 §2.2. Rightly: ``audience=`` of the library, which asks for the claim too.
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
        issuer=issuer.url,
        options={"verify_aud": False, "require": ["iss", "sub", "exp", "iat"]},
    )
    audience = claims.get("aud")
    if "aud" in claims and audience != issuer.audience and issuer.audience not in _list(audience):  # the mistake
        raise rightly.Refused
    return rightly.check_times(claims)


def _list(audience: object) -> list[object]:
    return audience if isinstance(audience, list) else []
