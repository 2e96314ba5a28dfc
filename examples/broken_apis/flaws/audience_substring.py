"""``in`` asks a list for a member, and a text for a part: ``https://api.example.com.evil.test`` has our name in it.

RFC 7519 §4.1.3; CVE-2024-53861 was this with ``iss``. Rightly: ``audience=`` of the library, which makes a list first.
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
        options={"verify_aud": False, "require": rightly.REQUIRED},
    )
    if issuer.audience not in claims["aud"]:  # the mistake
        raise rightly.Refused
    return rightly.check_times(claims)
