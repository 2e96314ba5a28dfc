"""Passwords may be tried without an end.

OWASP API2:2023, NIST SP 800-63B §5.2.2. Rightly: limit failed logins by account and by address, before the hash.
"""

from starlette.applications import Starlette

from broken_apis.issuer import Issuer
from broken_apis.login_server import LoginServer


class Careless(LoginServer):
    """Lets everybody guess."""

    def may_guess(self, _username: str) -> bool:
        """Say yes."""
        return True  # the mistake


def build(issuer: Issuer) -> Starlette:
    """Return the server."""
    return Careless(issuer).app()
