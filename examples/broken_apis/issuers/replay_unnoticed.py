"""A used refresh token is refused, and that is all: the thief who came first goes on, and nobody is told.

RFC 9700 §4.14.2. Rightly: a used token that comes back ends the session, for whoever has its successor.
"""

from starlette.applications import Starlette

from broken_apis.issuer import Issuer
from broken_apis.login_server import LoginServer, Session


class Careless(LoginServer):
    """Lets a session go on whose token came back."""

    def reused(self, session: Session) -> None:
        """Do nothing."""  # the mistake


def build(issuer: Issuer) -> Starlette:
    """Return the server."""
    return Careless(issuer).app()
