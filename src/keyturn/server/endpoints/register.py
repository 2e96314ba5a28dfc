"""``POST /register``: make an account, where the operator lets anybody. It has no roles, whatever the body claims."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keyturn.core import users
from keyturn.server import csrf
from keyturn.server.description.models import RegisterRequest
from keyturn.server.exchange import origin_of, state_of
from keyturn.server.reading.bodies import JSON, read_fields
from keyturn.server.reading.validation import validate


async def post(request: Request) -> Response:
    """Make the account."""
    state = state_of(request)
    users.own_users(state.services)
    csrf.check_if_browser(request, issuer=state.settings.issuer, origins=state.origins)
    _, fields = await read_fields(request, JSON)
    body = validate(RegisterRequest, fields)
    user = await users.register(
        state.services, body.username, body.password, origin=origin_of(request), now_ms=state.clock.now_ms()
    )
    return JSONResponse({"sub": user.sub, "username": user.username}, status_code=201)
