"""A refresh looks first and writes after, with a wait for the database in between: two at once get two successors.

RFC 9700 §4.14.2; CWE-367. Rightly: one atomic ``UPDATE … WHERE generation = ? RETURNING``.
"""

import asyncio
import hmac

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from broken_apis.issuer import Issuer
from broken_apis.login_server import LoginServer, Session, new_token


class Careless(LoginServer):
    """Checks, then writes."""

    async def rotate(self, session: Session, presented: str) -> str:
        """Return the successor of *presented*."""
        if not hmac.compare_digest(presented, session.current):
            self.reused(session)
            raise HTTPException(400, "invalid_grant")
        await asyncio.sleep(0.25)  # the mistake: here the database answers, and somebody else gets as far as this
        session.current = new_token(session.sid)
        return session.current


def build(issuer: Issuer) -> Starlette:
    """Return the server."""
    return Careless(issuer).app()
