"""A logout ends the session, and its access tokens go on to work: whoever checks one looks at its signature alone.

RFC 7009 §1, RFC 9700 §4.14; CVE-2024-22513 (djangorestframework-simplejwt) was this with users who were disabled.
Rightly: ask whether the session is still there, or follow the issuer's revocations.
"""

from starlette.applications import Starlette

from broken_apis.issuer import Claims, Issuer
from broken_apis.login_server import LoginServer


class Careless(LoginServer):
    """Forgets to ask."""

    def is_over(self, _claims: Claims) -> bool:
        """Say no."""
        return False  # the mistake


def build(issuer: Issuer) -> Starlette:
    """Return the server."""
    return Careless(issuer).app()
