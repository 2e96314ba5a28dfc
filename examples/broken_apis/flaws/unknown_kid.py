"""A key that is not known yet must not break anything, so a token that names one passes until the next fetch.

RFC 8725 §3.1, CWE-636 (not failing securely). Rightly: fetch the key set again, at most once in a while, and refuse.
"""

import jwt

from broken_apis import rightly
from broken_apis.issuer import TYPE, Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    header = jwt.get_unverified_header(token)
    known = {issuer.kid: issuer.public_key}.get(header.get("kid"))
    if known is not None or header["typ"] != TYPE or header["alg"] != issuer.algorithm:
        return rightly.verify(token, issuer)
    claims = jwt.decode(
        token,
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
