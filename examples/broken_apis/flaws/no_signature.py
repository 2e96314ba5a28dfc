"""A token without a signature passes: the gateway in front was said to have checked it and cut it off.

Whoever cuts it off too is in (RFC 7515 §5.2, CWE-347). Rightly: whoever uses the claims verifies them.
"""

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    head, payload, signature = token.split(".")
    rightly.check_form(f"{head}.{payload}.{signature or 'AA'}")
    rightly.check_header(token, issuer)
    if jwt.get_unverified_header(token)["alg"] != issuer.algorithm:
        raise rightly.Refused
    claims = jwt.decode(
        token,
        issuer.public_key,
        algorithms=[issuer.algorithm],
        audience=issuer.audience,
        issuer=issuer.url,
        options={
            "verify_signature": bool(signature),  # the mistake
            "verify_exp": True,
            "verify_nbf": True,
            "verify_iat": True,
            "verify_aud": True,
            "verify_iss": True,
            "require": rightly.REQUIRED,
        },
    )
    return rightly.check_times(claims)
