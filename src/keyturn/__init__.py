"""Keyturn: sign users in once, and accept their tokens everywhere.

An API that accepts the tokens needs this package alone, and nothing of the server's dependencies::

    verifier = Verifier(issuer="https://auth.example.com", audience="https://api.example.com")
    token = verifier.verify(text)
"""

from keyturn.errors import (
    InsufficientScope,
    InvalidToken,
    KeyturnError,
    MissingToken,
    TokenExpired,
    VerifierUnavailable,
)
from keyturn.tokens.access_token import AccessToken
from keyturn.verify.verifier import Verifier

__all__ = [
    "AccessToken",
    "InsufficientScope",
    "InvalidToken",
    "KeyturnError",
    "MissingToken",
    "TokenExpired",
    "Verifier",
    "VerifierUnavailable",
    "__version__",
]

__version__ = "0.1.0"
