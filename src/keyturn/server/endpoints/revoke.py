"""``POST /revoke``: end the session of a refresh token, or revoke one access token (RFC 7009).

A token that is not ours, or no longer good, is answered like one that was revoked: there is nothing left to do (§2.2).
"""

from starlette.requests import Request
from starlette.responses import Response

from keyturn.core import revoke
from keyturn.errors import InvalidToken
from keyturn.server.description.models import RevokeRequest
from keyturn.server.exchange import origin_of, state_of
from keyturn.server.reading.bodies import FORM, read_fields
from keyturn.server.reading.validation import validate_oauth
from keyturn.tokens import device_token, refresh_token


async def post(request: Request) -> Response:
    """Revoke the token in the form. No cookie is read."""
    _, fields = await read_fields(request, FORM)
    body = validate_oauth(RevokeRequest, fields)
    if body.token.startswith((refresh_token.PREFIX, device_token.PREFIX)):
        await _revoke_opaque(request, body.token)
    else:
        await _revoke_access_token(request, body.token)
    return Response(status_code=200, headers={"Cache-Control": "no-store"})


async def _revoke_opaque(request: Request, text: str) -> None:
    state = state_of(request)
    now_ms = state.clock.now_ms()
    ended = await revoke.revoke_refresh_token(state.services, text, origin=origin_of(request), now_ms=now_ms)
    state.metrics.revocations("sid").inc(len(ended))


async def _revoke_access_token(request: Request, text: str) -> None:
    """Revoke the access token *text*, once: what has expired or was revoked needs no further entry in the log."""
    state = state_of(request)
    now_ms = state.clock.now_ms()
    await state.services.denylist.catch_up()
    try:
        token = state.checker.check(text, state.services.keyring.find, now_ms / 1000)
    except InvalidToken:
        return
    if await revoke.revoke_access_token(state.services, token, origin=origin_of(request), now_ms=now_ms):
        state.metrics.revocations("jti").inc()
