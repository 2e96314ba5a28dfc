"""Keyturn: sign users in once, and accept their tokens everywhere.

An API that accepts the tokens needs this package alone, and nothing of the server's dependencies::

    verifier = Verifier(issuer="https://auth.example.com", audience="https://api.example.com")
    token = verifier.verify(text)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyturn.errors import (
        InsufficientScope,
        InvalidToken,
        KeyturnError,
        MissingToken,
        TokenExpired,
        VerifierUnavailable,
    )
    from keyturn.tokens.access_token import AccessToken
    from keyturn.verify.revocations import Revocations
    from keyturn.verify.verifier import Verifier

__all__ = [
    "AccessToken",
    "InsufficientScope",
    "InvalidToken",
    "KeyturnError",
    "MissingToken",
    "Revocations",
    "TokenExpired",
    "Verifier",
    "VerifierUnavailable",
    "__version__",
]

__version__ = "0.1.0"

_HOMES = {
    "AccessToken": "tokens.access_token",
    "Revocations": "verify.revocations",
    "Verifier": "verify.verifier",
}

if not TYPE_CHECKING:  # a type checker reads the imports above, and knows that there is nothing else

    def __getattr__(name: str) -> object:
        """Import what is asked for: pytest loads the package in every project, for its plugin."""
        from importlib import import_module  # noqa: PLC0415 - once for each name

        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = _HOMES.get(name, "errors")
        value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return value

    def __dir__() -> list[str]:
        """List what was not imported yet, too."""
        return sorted({*globals(), *__all__})
