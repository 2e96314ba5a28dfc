"""Changing a password: the current one is asked for again, and every other session ends with it."""

from keyturn.core import password_rules
from keyturn.core.ending import ending
from keyturn.core.login import login_limits
from keyturn.core.model import AuditEvent, AuditKind, EndReason, Origin, StoredUser
from keyturn.core.services import Services
from keyturn.core.users import hash_new, own_users
from keyturn.errors import (
    Conflict,
    InvalidCredentials,
    InvalidToken,
    InvalidTokenReason,
    RateLimited,
    TemporarilyUnavailable,
)


async def change_password(
    services: Services, sub: str, sid: str | None, current: str, new: str, *, origin: Origin, now_ms: int
) -> None:
    """Replace the password of *sub* and end all sessions but *sid*, in one step.

    Raises:
        NotFound: an app keeps its own users.
        ValidationFailed: the new password is not acceptable.
        RateLimited: too many wrong passwords; a wrong one here counts like a failed login.
        InvalidCredentials: the current password is wrong.
        Conflict: the password was changed by somebody else meanwhile.

    """
    directory = own_users(services)
    password_rules.check_new(new, min_length=services.policy.password_min_length)
    user = await directory.rows.find(sub)
    if user is None or user.disabled_at is not None:
        raise InvalidToken(InvalidTokenReason.REVOKED)
    await _check_current(services, user, current, origin, now_ms)
    encoded = await hash_new(services, user.username, new)
    if not await _replace(services, user, encoded, but_sid=sid, origin=origin, now_ms=now_ms):
        raise Conflict("changed meanwhile", sentence="The password was changed by somebody else meanwhile.")
    await services.denylist.catch_up()


async def reset_password(services: Services, user: StoredUser, new: str, *, origin: Origin, now_ms: int) -> None:
    """Replace the password from the command line and end all sessions.

    Raises:
        ValidationFailed: the new password is not acceptable.
        Conflict: the user was changed by somebody else meanwhile.

    """
    encoded = await hash_new(services, user.username, new)
    if not await _replace(services, user, encoded, but_sid=None, origin=origin, now_ms=now_ms):
        raise Conflict("changed meanwhile", sentence="The user was changed by somebody else meanwhile. Try again.")


async def _check_current(services: Services, user: StoredUser, current: str, origin: Origin, now_ms: int) -> None:
    limits = login_limits(services, user.username, origin.address, None)
    wait = await services.store.rate_limits.reserve(limits, now_ms)
    if wait:
        raise RateLimited("password", retry_after=wait)
    try:
        await own_users(services).check_password(user, current)
    except InvalidCredentials as refusal:
        event = AuditEvent(
            at_ms=now_ms, kind=AuditKind.PASSWORD_REFUSED, sub=user.sub, reason=refusal.reason, origin=origin
        )
        await services.store.audit.append([event])
        raise
    except TemporarilyUnavailable:
        await services.store.rate_limits.give_back(limits)
        raise
    await services.store.rate_limits.give_back(limits)


async def _replace(
    services: Services, user: StoredUser, encoded: str, *, but_sid: str | None, origin: Origin, now_ms: int
) -> bool:
    event = AuditEvent(at_ms=now_ms, kind=AuditKind.PASSWORD_CHANGED, sub=user.sub, sid=but_sid, origin=origin)
    order = ending(EndReason.PASSWORD_CHANGED, sub=user.sub, but_sid=but_sid, origin=origin, now_ms=now_ms)
    return await own_users(services).rows.set_password(user.sub, user.version, encoded, order, event)
