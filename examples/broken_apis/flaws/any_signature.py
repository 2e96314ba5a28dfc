"""The signature is not checked: ``verify_signature`` was switched off to try something out, and stayed off.

Anybody writes a token by hand (RFC 8725 §3.2, CWE-347). Rightly: leave ``verify_signature`` alone.
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
        audience=issuer.audience,
        issuer=issuer.url,
        options={
            "verify_signature": False,  # the mistake
            "verify_exp": True,
            "verify_nbf": True,
            "verify_iat": True,
            "verify_aud": True,
            "verify_iss": True,
            "require": rightly.REQUIRED,
        },
    )
    return rightly.check_times(claims)
