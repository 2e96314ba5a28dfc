"""The ways to revoke access tokens by hand: each returns the sentence that says what was done."""

from collections.abc import Awaitable, Callable
from typing import Final

from keyturn.cli.moments import parse_moment
from keyturn.cli.opening import OPERATOR
from keyturn.cli.output import moment
from keyturn.core import revoke as flows
from keyturn.core import sessions, users
from keyturn.core.services import Services
from keyturn.errors import InvalidGrant, InvalidToken, NotFound, ValidationFailed
from keyturn.server.services import checker_of
from keyturn.tokens import access_token, device_token, refresh_token


async def _revoke_token(services: Services, text: str, now_ms: int) -> str:
    if text.startswith((refresh_token.PREFIX, device_token.PREFIX)):
        return await _revoke_refresh_token(services, text, now_ms)
    expected = checker_of(services).expected
    try:
        token = access_token.verify_expired_too(
            text, find_key=services.keyring.find, expected=expected, now=now_ms / 1000
        )
    except InvalidToken as refusal:
        raise ValidationFailed(refusal.reason, sentence=f"This is no access token of ours: {refusal.reason}.") from None
    await flows.revoke_access_token(services, token, origin=OPERATOR, now_ms=now_ms)
    return "The access token is revoked; its session goes on."


async def _revoke_refresh_token(services: Services, text: str, now_ms: int) -> str:
    if text.startswith(refresh_token.PREFIX):
        try:
            refresh_token.parse(text, services.master_keys.refresh_token_keys)
        except InvalidGrant as refusal:
            raise ValidationFailed(
                refusal.reason, sentence=f"This is no refresh token of ours: {refusal.reason}."
            ) from None
    await flows.revoke_refresh_token(services, text, origin=OPERATOR, now_ms=now_ms)
    return "The session of this refresh token has ended, and its access tokens are revoked."


async def _revoke_jti(services: Services, jti: str, now_ms: int) -> str:
    await flows.revoke_jti(services, jti, origin=OPERATOR, now_ms=now_ms)
    return "The access token with this jti is revoked."


async def _revoke_sid(services: Services, sid: str, now_ms: int) -> str:
    ended = await sessions.end_by_operator(services, sid=sid, origin=OPERATOR, now_ms=now_ms)
    if not ended:
        raise NotFound("unknown sid", sentence="There is no live session of this id.")
    return "The session has ended, and its access tokens are revoked."


async def _revoke_user(services: Services, username: str, now_ms: int) -> str:
    user = await users.get_by_name(services, username)
    await flows.revoke_sub(services, user.sub, origin=OPERATOR, now_ms=now_ms)
    return f"Every access token that {username} was given up to now is revoked; sessions go on."


async def _revoke_before(services: Services, text: str, now_ms: int) -> str:
    before = parse_moment(text, now=now_ms // 1000)
    await flows.revoke_all(services, before, origin=OPERATOR, now_ms=now_ms)
    return f"Every access token issued up to {moment(before)} is revoked; sessions go on."


WAYS: Final[dict[str, Callable[[Services, str, int], Awaitable[str]]]] = {
    "token": _revoke_token,
    "jti": _revoke_jti,
    "sid": _revoke_sid,
    "user": _revoke_user,
    "before": _revoke_before,
}
