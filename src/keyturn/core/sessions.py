"""Sessions after the login: list them, end one, end all, log out.

Ending is one step of the store with the revocation that makes the session's access tokens fail, so that after
the answer no token of the session works again, whatever refresh runs beside it.
"""

from collections.abc import Sequence

from keyturn.core.ending import ending
from keyturn.core.model import EndReason, Origin, Session
from keyturn.core.services import Services
from keyturn.errors import InvalidGrant, NotFound
from keyturn.tokens import refresh_token


async def list_sessions(services: Services, sub: str, *, now_ms: int) -> Sequence[Session]:
    """Return the user's live sessions, the last used first."""
    return await services.store.sessions.list_live(sub, now_ms // 1000)


async def logout_by_refresh_token(services: Services, text: str, *, origin: Origin, now_ms: int) -> Sequence[Session]:
    """End the session that *text*, of any generation, belongs to; return it, or nothing if there is none."""
    try:
        token = refresh_token.parse(text, services.master_keys.refresh_token_keys)
    except InvalidGrant:
        return ()
    return await _end(services, EndReason.LOGOUT, handle=token.handle, origin=origin, now_ms=now_ms)


async def logout_by_sid(services: Services, sid: str, *, origin: Origin, now_ms: int) -> Sequence[Session]:
    """End the session *sid*; return it, or nothing if it has ended."""
    return await _end(services, EndReason.LOGOUT, sid=sid, origin=origin, now_ms=now_ms)


async def logout_everywhere(services: Services, sub: str, *, origin: Origin, now_ms: int) -> Sequence[Session]:
    """End every session of the user; return those that ended now."""
    return await _end(services, EndReason.LOGOUT_ALL, sub=sub, origin=origin, now_ms=now_ms)


async def end_own_session(services: Services, sid: str, sub: str, *, origin: Origin, now_ms: int) -> None:
    """End the session *sid* of the user *sub*.

    Raises:
        NotFound: there is none, it has ended, or it is somebody else's.

    """
    ended = await _end(services, EndReason.ENDED_BY_USER, sid=sid, of_sub=sub, origin=origin, now_ms=now_ms)
    if not ended:
        raise NotFound("no such session", sentence="You have no such session.")


async def end_by_operator(
    services: Services, *, sid: str | None = None, sub: str | None = None, origin: Origin, now_ms: int
) -> Sequence[Session]:
    """End one session, or all of a user, for whoever runs the server; return those that ended now."""
    return await _end(services, EndReason.ENDED_BY_OPERATOR, sid=sid, sub=sub, origin=origin, now_ms=now_ms)


async def _end(
    services: Services,
    reason: EndReason,
    *,
    origin: Origin,
    now_ms: int,
    handle: bytes | None = None,
    sid: str | None = None,
    sub: str | None = None,
    of_sub: str | None = None,
) -> Sequence[Session]:
    order = ending(reason, handle=handle, sid=sid, sub=sub, of_sub=of_sub, origin=origin, now_ms=now_ms)
    ended = await services.store.sessions.end(order)
    await services.denylist.catch_up()
    return ended
