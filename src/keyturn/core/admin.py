"""What an admin may do over HTTP, and who is one: whom the directory calls so now, and not only when they logged in.

A token keeps its roles until it expires. Here that would be too long: who was an admin must not act as one.
"""

from collections.abc import Sequence
from typing import Final

from keyturn.core import sessions, users
from keyturn.core.model import Origin, Session
from keyturn.core.services import Services
from keyturn.errors import Conflict, InsufficientScope, InvalidToken, InvalidTokenReason, NotFound
from keyturn.tokens.access_token import AccessToken

ROLE: Final = "admin"


class OwnAccount(Conflict):
    """Admins can't shut themselves out: the last one would lock the door behind them."""

    sentence = "You can't disable your own account. Another admin can, or 'keyturn users disable'."


async def check_admin(services: Services, token: AccessToken) -> None:
    """Let *token* through, whose user was an admin when it was signed and is one now.

    Raises:
        InsufficientScope: they were not, or are not any more.
        InvalidToken: there is no such user any more, or they are disabled.

    """
    if ROLE not in token.roles:
        raise InsufficientScope("role")
    user = await services.users.find(token.sub)
    if user is None or user.disabled:
        raise InvalidToken(InvalidTokenReason.REVOKED)
    if ROLE not in user.roles:
        raise InsufficientScope("role taken away")


async def disable_user(services: Services, sub: str, *, admin: str, origin: Origin, now_ms: int) -> None:
    """Shut the user *sub* out and end all their sessions, at once; again is fine.

    Raises:
        OwnAccount: the *admin* is this very user.
        NotFound: there is no such user, or an app keeps its own.

    """
    user = await users.get_by_sub(services, sub)
    if sub == admin:
        raise OwnAccount("own account")
    await users.disable(services, user, origin=origin, now_ms=now_ms)


async def list_sessions(
    services: Services, *, sub: str | None, after: str, most: int, now_ms: int
) -> Sequence[Session]:
    """Return up to *most* live sessions, of everybody or of *sub*, whose ``sid`` follows *after*, in its order."""
    if sub is None:
        return await services.store.sessions.list_page(after, most, now_ms // 1000)
    live = await sessions.list_sessions(services, sub, now_ms=now_ms)
    return sorted((session for session in live if session.sid > after), key=lambda session: session.sid)[:most]


async def end_session(services: Services, sid: str, *, origin: Origin, now_ms: int) -> Sequence[Session]:
    """End the session *sid* of whoever; return it, or nothing if it had ended before.

    Raises:
        NotFound: there is none, or it ended so long ago that it is gone.

    """
    ended = await sessions.end_by_operator(services, sid=sid, origin=origin, now_ms=now_ms)
    if not ended and await services.store.sessions.find_by_sid(sid) is None:
        raise NotFound("unknown sid")
    return ended
