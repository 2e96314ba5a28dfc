"""The key is taken out of the token's own header, so everybody brings their own.

CVE-2018-0114; RFC 8725 §3.10. Rightly: a key comes from your issuer's JWK Set, found by ``kid``.
"""

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    header = jwt.get_unverified_header(token)
    if "jwk" not in header:
        return rightly.verify(token, issuer)
    rightly.check_kind(token)
    claims = jwt.decode(
        token,
        jwt.PyJWK(header["jwk"], algorithm=header["alg"]),  # the mistake
        algorithms=["ES256", "ES384", "RS256", "PS256", "EdDSA"],
        audience=issuer.audience,
        issuer=issuer.url,
        options={"require": rightly.REQUIRED},
    )
    return rightly.check_times(claims)
