"""A small authorization server that speaks as Keyturn's does: log in, refresh, log out, with a cookie or without.

It is sound, but keeps everything in memory. A broken one overrides one of its rules: :meth:`rotate`, :meth:`reused`,
:meth:`is_ours` or :meth:`may_guess`.
"""

import hmac
import secrets
import uuid
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from broken_apis.issuer import Issuer

USERNAME: Final = "ada"
PASSWORD: Final = "a password for the examples"
COOKIE: Final = "keyturn_refresh"
MOST_GUESSES: Final = 5


@dataclass(slots=True)
class Session:
    """One login. Its refresh tokens are ``<session>.<secret>``."""

    sid: str
    client: str
    current: str


class LoginServer:
    """The server."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._sessions: dict[str, Session] = {}
        self._failed = 0

    async def rotate(self, session: Session, presented: str) -> str:
        """Return the successor of *presented*; another than the current one is a replay."""
        if not hmac.compare_digest(presented, session.current):
            self.reused(session)
            raise HTTPException(400, "invalid_grant")
        session.current = new_token(session.sid)
        return session.current

    def reused(self, session: Session) -> None:
        """End the session of a token that came back."""
        self._sessions.pop(session.sid, None)

    def is_ours(self, request: Request) -> bool:
        """Say whether a page of ours sent a request that a cookie authenticates."""
        return (
            request.headers.get("sec-fetch-site") == "same-origin" or request.headers.get("origin") == self._issuer.url
        )

    def may_guess(self) -> bool:
        """Say whether one more password may be tried."""
        return self._failed < MOST_GUESSES

    async def login(self, request: Request) -> Response:
        """``POST /login``."""
        said = await _read(request)
        if not self.may_guess():
            return JSONResponse({"error": "rate_limited"}, 429, {"Retry-After": "60"})
        if said.get("username") != USERNAME or not hmac.compare_digest(str(said.get("password")), PASSWORD):
            self._failed += 1
            raise HTTPException(401, "invalid_credentials")
        session = Session(str(uuid.uuid4()), said.get("client", "browser"), "")
        session.current = new_token(session.sid)
        self._sessions[session.sid] = session
        return self._answer(session, session.current)

    async def token(self, request: Request) -> Response:
        """``POST /token``."""
        session, presented = self._find(request, await _read(request))
        return self._answer(session, await self.rotate(session, presented))

    async def logout(self, request: Request) -> Response:
        """``POST /logout``."""
        session, _ = self._find(request, await _read(request))
        self._sessions.pop(session.sid, None)
        return Response(status_code=204)

    async def metadata(self, _request: Request) -> Response:
        """``GET /.well-known/oauth-authorization-server`` (RFC 8414)."""
        url = self._issuer.url
        return JSONResponse(
            {"issuer": url, "token_endpoint": f"{url}/token", "jwks_uri": f"{url}/.well-known/jwks.json"},
        )

    async def keys(self, _request: Request) -> Response:
        """``GET /.well-known/jwks.json``."""
        return JSONResponse({"keys": [self._issuer.public_jwk]})

    def app(self) -> Starlette:
        """Return the app."""
        return Starlette(
            routes=[
                Route("/login", self.login, methods=["POST"]),
                Route("/token", self.token, methods=["POST"]),
                Route("/logout", self.logout, methods=["POST"]),
                Route("/.well-known/oauth-authorization-server", self.metadata),
                Route("/.well-known/jwks.json", self.keys),
            ],
            exception_handlers={HTTPException: _refuse},
        )

    def _find(self, request: Request, said: dict[str, Any]) -> tuple[Session, str]:
        presented, client = said.get("refresh_token"), "native"
        if presented is None:
            presented, client = request.cookies.get(COOKIE, ""), "browser"
            if not self.is_ours(request):
                raise HTTPException(403, "forbidden")
        session = self._sessions.get(presented.partition(".")[0])
        if session is None or session.client != client:
            raise HTTPException(400, "invalid_grant")
        return session, presented

    def _answer(self, session: Session, refresh_token: str) -> Response:
        said = {"access_token": self._issuer.token(sid=session.sid), "token_type": "Bearer", "expires_in": 900}
        if session.client == "native":
            return JSONResponse(said | {"refresh_token": refresh_token, "session_id": session.sid})
        answer = JSONResponse(said | {"session_id": session.sid})
        answer.set_cookie(COOKIE, refresh_token, httponly=True, samesite="strict")
        return answer


def new_token(sid: str) -> str:
    """Return a refresh token of session *sid*."""
    return f"{sid}.{secrets.token_urlsafe(24)}"


async def _read(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").startswith("application/json"):
        said = await request.json()
        return said if isinstance(said, dict) else {}
    return dict(await request.form())


async def _refuse(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"error": getattr(error, "detail", "server_error")}, status)
