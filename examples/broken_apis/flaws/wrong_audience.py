"""``verify_aud`` was switched off, because PyJWT said "Invalid audience": any API's token works here.

RFC 8725 §3.9, RFC 9068 §4: whoever you hand your token to can be you here. Rightly: ``audience="https://…"``.
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
        options={"verify_aud": False, "require": rightly.REQUIRED},  # the mistake
    )
    return rightly.check_times(claims)
