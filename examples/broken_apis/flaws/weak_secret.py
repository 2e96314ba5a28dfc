"""The secret is the one of a tutorial. PyJWT warns that it is short, in a log that nobody reads.

One token is enough to find it out at home (RFC 8725 §2.2; CWE-1391). Rightly: 32 random bytes, or a key pair.
"""

import warnings

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer, with_secret


def make_issuer() -> Issuer:
    """Return the issuer, which shares its secret with the API."""
    return with_secret(b"secret")  # the mistake


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    with warnings.catch_warnings(category=jwt.InsecureKeyLengthWarning, action="ignore"):
        return rightly.verify(token, issuer)
