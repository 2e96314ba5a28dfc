"""``GET /me``: who the token speaks for."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keyturn.errors import InvalidToken, InvalidTokenReason
from keyturn.server.bearer import authenticate
from keyturn.server.exchange import state_of


async def get(request: Request) -> Response:
    """Answer with the user and what the token says about them."""
    state = state_of(request)
    token = await authenticate(request, now_ms=state.clock.now_ms())
    user = await state.services.users.find(token.sub)
    if user is None or user.disabled:
        raise InvalidToken(InvalidTokenReason.REVOKED)
    return JSONResponse(
        {
            "sub": token.sub,
            "username": user.username,
            "roles": list(token.roles),
            "scope": " ".join(sorted(token.scopes)),
            "session_id": token.sid,
            "auth_time": token.auth_time,
        }
    )
