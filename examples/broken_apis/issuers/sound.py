"""The small server as it is: nothing is to be found in it."""

from starlette.applications import Starlette

from broken_apis.issuer import Issuer
from broken_apis.login_server import LoginServer

FLAW = None


def build(issuer: Issuer) -> Starlette:
    """Return the server."""
    return LoginServer(issuer).app()
