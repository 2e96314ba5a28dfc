"""The secret is the one of a tutorial. PyJWT warns that it is short, in a log that nobody reads.

One token is enough to find it out at home (RFC 8725 §2.2; CWE-1391). Rightly: 32 random bytes, or a key pair.
"""

from broken_apis.issuer import Issuer, with_secret
from broken_apis.rightly import verify

__all__ = ["make_issuer", "verify"]


def make_issuer() -> Issuer:
    """Return the issuer, which shares its secret with the API."""
    return with_secret(b"secret")  # the mistake
