"""A small authorization server that speaks as Keyturn's does: log in, refresh, log out, and ``/me`` for who is there.

It is sound, but keeps everything in memory. A broken one overrides one of its rules, the five methods of
:class:`LoginServer` that are public: ``rotate``, ``reused``, ``is_over``, ``is_ours`` and ``may_guess``.
"""

import hmac
import secrets
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from broken_apis import orders, rightly
from broken_apis.issuer import Claims, Issuer

USERNAME: Final = "ada"
PASSWORD: Final = "a password for the examples"
COOKIE: Final = "keyturn_refresh"
MOST_GUESSES: Final = 5


@dataclass(slots=True)
class Session:
    """One login, and the refresh token that is good now: its own ``sid``, a dot and a secret."""

    sid: str
    client: str
    current: str


class LoginServer:
    """The server."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._sessions: dict[str, Session] = {}
        self._failed: Counter[str] = Counter()

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

    def is_over(self, claims: Claims) -> bool:
        """Say whether the session of an access token has ended."""
        return claims.get("sid") not in self._sessions

    def is_ours(self, request: Request) -> bool:
        """Say whether a page of ours sent a request that a cookie authenticates."""
        ours = request.headers.get("sec-fetch-site") == "same-origin"
        return ours or request.headers.get("origin") == self._issuer.url

    def may_guess(self, username: str) -> bool:
        """Say whether one more password may be tried for *username*."""
        return self._failed[username] < MOST_GUESSES

    def app(self) -> Starlette:
        """Return the app."""
        return Starlette(
            routes=[
                Route("/login", self._login, methods=["POST"]),
                Route("/token", self._token, methods=["POST"]),
                Route("/logout", self._logout, methods=["POST"]),
                Route("/me", self._me),
                Route("/.well-known/oauth-authorization-server", self._metadata),
                Route("/.well-known/jwks.json", self._keys),
            ],
            exception_handlers={HTTPException: _refuse},
        )

    async def _login(self, request: Request) -> Response:
        said = await _read(request)
        username, password = str(said.get("username")), str(said.get("password"))
        if not self.may_guess(username):
            return JSONResponse({"error": "rate_limited"}, 429, {"Retry-After": "60"})
        if username != USERNAME or not hmac.compare_digest(password, PASSWORD):
            self._failed[username] += 1
            raise HTTPException(401, "invalid_credentials")
        sid = str(uuid.uuid4())
        session = Session(sid, said.get("client", "browser"), new_token(sid))
        self._sessions[sid] = session
        return self._answer(session, session.current)

    async def _token(self, request: Request) -> Response:
        session, presented = self._find(request, await _read(request))
        return self._answer(session, await self.rotate(session, presented))

    async def _logout(self, request: Request) -> Response:
        if "authorization" in request.headers:
            sid = rightly.verify(orders.find_token(request), self._issuer)["sid"]
        else:
            sid = self._find(request, await _read(request))[0].sid
        self._sessions.pop(sid, None)
        return Response(status_code=204)

    async def _me(self, request: Request) -> Response:
        try:
            claims = rightly.verify(orders.find_token(request), self._issuer)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a token, it is refused
            return orders.refuse(request, error)
        if self.is_over(claims):
            return orders.refuse(request, rightly.Refused())
        return JSONResponse({"sub": claims["sub"], "username": USERNAME})

    async def _metadata(self, _request: Request) -> Response:
        url = self._issuer.url
        keys = f"{url}/.well-known/jwks.json"
        return JSONResponse({"issuer": url, "token_endpoint": f"{url}/token", "jwks_uri": keys})

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self._issuer.public_jwk]})

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
    """Return a refresh token of the session *sid*."""
    return f"{sid}.{secrets.token_urlsafe(24)}"


async def _read(request: Request) -> dict[str, Any]:
    if not request.headers.get("content-type", "").startswith("application/json"):
        return dict(parse_qsl((await request.body()).decode()))
    said = await request.json()
    return said if isinstance(said, dict) else {}


async def _refuse(_request: Request, error: Exception) -> Response:
    status, code = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "server_error")
    return JSONResponse({"error": code}, status)
