"""``iss`` has to begin with our issuer's URL, for the sake of its tenants: so does ``https://auth.example.com.evil.test``.

RFC 7519 §4.1.1, RFC 8725 §3.8. Rightly: compare all of it; for tenants, a set of issuers.
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
        options={"require": rightly.REQUIRED},
    )
    if not claims["iss"].startswith(issuer.url):  # the mistake
        raise rightly.Refused
    return rightly.check_times(claims)
