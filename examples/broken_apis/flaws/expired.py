"""``verify_exp`` was switched off, because the clocks of two hosts disagreed: a token is good for ever.

RFC 7519 §4.1.4, CWE-613. Rightly: ``leeway=5``.
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
        options={"verify_exp": False, "require": rightly.REQUIRED},  # the mistake
    )
    return rightly.check_times(claims)
