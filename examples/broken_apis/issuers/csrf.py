"""The refresh cookie is enough, wherever the request comes from: ``SameSite`` was thought to do the rest.

CWE-352: a sister site (``evil.example.com``), an old browser, a cookie that was relaxed for single sign-on. Rightly:
require ``Sec-Fetch-Site: same-origin``, or an ``Origin`` of yours.
"""

from starlette.applications import Starlette
from starlette.requests import Request

from broken_apis.issuer import Issuer
from broken_apis.login_server import LoginServer


class Careless(LoginServer):
    """Takes every page for its own."""

    def is_ours(self, _request: Request) -> bool:
        """Say yes."""
        return True  # the mistake


def build(issuer: Issuer) -> Starlette:
    """Return the server."""
    return Careless(issuer).app()
