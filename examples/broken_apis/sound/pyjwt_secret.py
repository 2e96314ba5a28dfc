"""The same with HS256 and a secret that nobody guesses."""

import secrets

from broken_apis.issuer import Issuer, with_secret
from broken_apis.rightly import verify

__all__ = ["make_issuer", "verify"]


def make_issuer() -> Issuer:
    """Return the issuer, which shares its secret with the API."""
    return with_secret(secrets.token_hex(32).encode())
