"""``nbf`` and ``iat`` are not checked: a token that was made for next week works today.

RFC 7519 §4.1.5. Rightly: leave ``verify_nbf`` and ``verify_iat`` alone, and give ``leeway=5``.
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
        options={"verify_nbf": False, "verify_iat": False, "require": rightly.REQUIRED},  # the mistake
    )
    return rightly.check_times(claims)
