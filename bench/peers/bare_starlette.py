"""What the HTTP stack alone gives: JSON in, an answer of the size of a refresh out, and nothing done in between."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

#: As long as the answer to a refresh.
ANSWER = {
    "access_token": "a" * 620,
    "token_type": "Bearer",
    "expires_in": 600,
    "scope": "orders:read",
    "session_id": "s" * 22,
    "refresh_token": "r" * 80,
}


async def token(request: Request) -> JSONResponse:
    """Read the body and answer."""
    await request.json()
    return JSONResponse(ANSWER, headers={"Cache-Control": "no-store"})


app = Starlette(routes=[Route("/token", token, methods=["POST"])])
