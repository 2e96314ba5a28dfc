"""``POST /password``: change the password; all other sessions end with it."""

from starlette.requests import Request
from starlette.responses import Response

from keyturn.core import passwords, users
from keyturn.errors import InvalidCredentials
from keyturn.server.bearer import authenticate_for_issuer
from keyturn.server.description.models import PasswordRequest
from keyturn.server.exchange import origin_of, state_of
from keyturn.server.reading.bodies import JSON, read_fields
from keyturn.server.reading.validation import validate


class WrongCurrentPassword(InvalidCredentials):
    """The current password is wrong; the token is good, so this is no 401."""

    status = 403
    sentence = "The current password is wrong."


async def post(request: Request) -> Response:
    """Replace the password of whom the token speaks for."""
    state = state_of(request)
    now_ms = state.clock.now_ms()
    users.own_users(state.services)
    token = await authenticate_for_issuer(request, now_ms=now_ms)
    _, fields = await read_fields(request, JSON)
    body = validate(PasswordRequest, fields)
    try:
        await passwords.change_password(
            state.services,
            token.sub,
            token.sid,
            body.current_password,
            body.new_password,
            origin=origin_of(request),
            now_ms=now_ms,
        )
    except InvalidCredentials as refusal:
        raise WrongCurrentPassword(refusal.reason) from None
    return Response(status_code=204)
