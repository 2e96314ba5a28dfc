"""Revocation of what is out already: one access token, a user's tokens up to now, everything up to a time.

Ending a session (`core.sessions`) and revoking a key (`core.keys`) write to the same log.
"""

from collections.abc import Sequence

from keyturn.core.ending import ending
from keyturn.core.model import AuditEvent, AuditKind, EndReason, Origin, Session
from keyturn.core.policy import REVOCATION_LIFETIME
from keyturn.core.ports import Revoking
from keyturn.core.services import Services
from keyturn.errors import InvalidGrant, UnsupportedTokenType, ValidationFailed
from keyturn.tokens import device_token, refresh_token
from keyturn.tokens.access_token import AccessToken
from keyturn.tokens.revocation import RevocationKind, digest


async def revoke_refresh_token(services: Services, text: str, *, origin: Origin, now_ms: int) -> Sequence[Session]:
    """End the session of a refresh token and with it its access tokens (RFC 7009 §2.1); return it if it ended now.

    Raises:
        UnsupportedTokenType: it is a device token, which dies with its key alone.

    """
    if text.startswith(device_token.PREFIX):
        raise UnsupportedTokenType("device_token")
    try:
        token = refresh_token.parse(text, services.master_keys.refresh_token_keys)
    except InvalidGrant:
        return ()
    order = ending(EndReason.REVOKED, handle=token.handle, origin=origin, now_ms=now_ms)
    ended = await services.store.sessions.end(order)
    await services.denylist.catch_up()
    return ended


async def revoke_access_token(services: Services, token: AccessToken, *, origin: Origin, now_ms: int) -> bool:
    """Make this one access token fail, for whoever holds it; its session goes on. False if that was done before.

    However many ask at once, it is one entry: each API that follows the feed has to keep it.
    """
    revoking = _revoking(RevocationKind.JTI, token.jti, before=None, now_ms=now_ms)
    event = _event(RevocationKind.JTI, token.jti, origin=origin, now_ms=now_ms, sub=token.sub, sid=token.sid)
    entry = await services.store.revocations.add_once(revoking, event)
    await services.denylist.catch_up()
    return entry is not None


async def revoke_jti(services: Services, jti: str, *, origin: Origin, now_ms: int) -> None:
    """Make the access token with this ``jti`` fail."""
    await _add(services, RevocationKind.JTI, jti, origin=origin, now_ms=now_ms)


async def revoke_sub(services: Services, sub: str, *, origin: Origin, now_ms: int) -> None:
    """Make every access token of *sub* fail that was issued up to now. Sessions go on: a refresh gives a good one."""
    await _add(services, RevocationKind.SUB, sub, before=now_ms // 1000, origin=origin, now_ms=now_ms, sub=sub)


async def revoke_all(services: Services, before: int, *, origin: Origin, now_ms: int) -> None:
    """Make every access token fail that was issued up to *before*, in epoch seconds.

    Raises:
        ValidationFailed: *before* is in the future, where tokens would be refused that nobody has asked for yet.

    """
    if before > now_ms // 1000:
        raise ValidationFailed("future cut-off", sentence="A cut-off can't lie in the future.")
    await _add(services, RevocationKind.ALL, "", before=before, origin=origin, now_ms=now_ms)


async def _add(
    services: Services,
    kind: RevocationKind,
    value: str,
    *,
    origin: Origin,
    now_ms: int,
    before: int | None = None,
    sub: str | None = None,
) -> None:
    revoking = _revoking(kind, value, before=before, now_ms=now_ms)
    event = _event(kind, value, origin=origin, now_ms=now_ms, sub=sub, sid=None)
    await services.store.revocations.add(revoking, event)
    await services.denylist.catch_up()


def _revoking(kind: RevocationKind, value: str, *, before: int | None, now_ms: int) -> Revoking:
    return Revoking(
        kind=kind, digest=digest(kind, value), before=before, expires_at=now_ms // 1000 + REVOCATION_LIFETIME
    )


def _event(
    kind: RevocationKind, value: str, *, origin: Origin, now_ms: int, sub: str | None, sid: str | None
) -> AuditEvent:
    details: dict[str, str | int | list[str]] = {"kind": str(kind), "value": value}
    return AuditEvent(at_ms=now_ms, kind=AuditKind.TOKEN_REVOKED, sub=sub, sid=sid, origin=origin, details=details)
