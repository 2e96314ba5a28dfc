"""A key that is not known yet must not break anything, so a token that names one passes until the next fetch.

RFC 8725 §3.1, CWE-636 (not failing securely). Rightly: fetch the key set again, at most once in a while, and refuse.
"""

from typing import Any

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    rightly.check_kind(token)
    header = jwt.get_unverified_header(token)
    known: Any = {issuer.kid: issuer.public_key}.get(str(header.get("kid")))
    if header["alg"] != issuer.algorithm:
        raise rightly.Refused
    claims = jwt.decode(
        token,
        known,
        algorithms=[issuer.algorithm],
        audience=issuer.audience,
        issuer=issuer.url,
        options={
            "verify_signature": known is not None,  # the mistake
            "verify_exp": True,
            "verify_nbf": True,
            "verify_aud": True,
            "verify_iss": True,
            "require": rightly.REQUIRED,
        },
    )
    return rightly.check_times(claims)
