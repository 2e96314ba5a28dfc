"""Has an issuer whose URL ends with a slash, as Auth0's do, and does not mind if a token leaves it out."""

from dataclasses import replace

import jwt

from broken_apis import rightly
from broken_apis.issuer import URL, Claims, Issuer, with_curve


def make_issuer() -> Issuer:
    """Return the issuer."""
    return replace(with_curve(), url=f"{URL}/")


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    rightly.check_header(token, issuer)
    claims = jwt.decode(
        token,
        issuer.public_key,
        algorithms=[issuer.algorithm],
        audience=issuer.audience,
        issuer=[issuer.url, issuer.url.rstrip("/")],
        options={"require": rightly.REQUIRED},
    )
    return rightly.check_times(claims)
