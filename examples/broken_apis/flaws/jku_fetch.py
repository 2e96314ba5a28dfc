"""The keys are fetched from where the token says, with PyJWT's own client: any key set of any host will do.

The API also asks whatever hosts a stranger names (RFC 8725 §3.10; CVE-2026-27962; CWE-918). Rightly: the URL of the
JWK Set is a setting.
"""

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    header = jwt.get_unverified_header(token)
    if "jku" not in header:
        return rightly.verify(token, issuer)
    rightly.check_kind(token)
    client = jwt.PyJWKClient(header["jku"], timeout=2)  # the mistake
    claims = jwt.decode(
        token,
        client.get_signing_key_from_jwt(token),
        algorithms=["ES256", "ES384", "RS256", "PS256", "EdDSA"],
        audience=issuer.audience,
        issuer=issuer.url,
        options={"require": rightly.REQUIRED},
    )
    return rightly.check_times(claims)
