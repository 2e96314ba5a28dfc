"""Accounts of our own directory: add, list, change roles, disable, enable.

Disabling a user ends their sessions in the same step, so that no refresh can come between.
"""

import uuid
from collections.abc import Sequence

from keyturn.core import password_rules, usernames
from keyturn.core.addresses import reservations
from keyturn.core.directory import LocalUsers
from keyturn.core.ending import ending
from keyturn.core.model import AuditEvent, AuditKind, EndReason, Origin, StoredUser
from keyturn.core.password_blocklist import names_of
from keyturn.core.policy import RegistrationMode
from keyturn.core.services import Services
from keyturn.errors import Conflict, Forbidden, NotFound, RateLimited


async def register(services: Services, username: str, password: str, *, origin: Origin, now_ms: int) -> StoredUser:
    """Make an account for whoever asks, if the operator allows that.

    Raises:
        Forbidden: registration is closed.
        NotFound: an app keeps its own users.
        ValidationFailed: the name or the password is not acceptable.
        RateLimited: this address has made too many.
        Conflict: the name is taken.

    """
    own_users(services)
    if services.policy.registration is not RegistrationMode.OPEN:
        raise Forbidden("registration closed", sentence="Registration is closed here.")
    limits = reservations("register", origin.address, services.policy.login_per_ip)
    wait = await services.store.rate_limits.reserve(limits, now_ms)
    if wait:
        raise RateLimited("register", retry_after=wait)
    return await add_user(services, username, password, roles=(), origin=origin, now_ms=now_ms)


async def add_user(
    services: Services, username: str, password: str, *, roles: tuple[str, ...], origin: Origin, now_ms: int
) -> StoredUser:
    """Make an account.

    Raises:
        ValidationFailed: the name or the password is not acceptable.
        Conflict: the name is taken.

    """
    directory = own_users(services)
    usernames.check_new(username)
    sub = str(uuid.UUID(bytes=services.randomness(16), version=4))
    user = StoredUser(
        sub=sub,
        username=username,
        username_key=usernames.normalise(username),
        password_hash=await hash_new(services, username, password),
        roles=roles,
        disabled_at=None,
        version=1,
        created_at=now_ms // 1000,
    )
    event = AuditEvent(at_ms=now_ms, kind=AuditKind.USER_ADDED, sub=sub, origin=origin, details={"roles": list(roles)})
    if not await directory.rows.add(user, event):
        raise Conflict("username taken", sentence="This username is taken.")
    return user


async def get_by_name(services: Services, username: str) -> StoredUser:
    """Return the account of this name.

    Raises:
        NotFound: there is none.

    """
    found = await own_users(services).rows.find_by_name(usernames.normalise(username))
    if found is None:
        raise NotFound("unknown user", sentence="There is no user of this name.")
    return found


async def get_by_sub(services: Services, sub: str) -> StoredUser:
    """Return the account whose tokens have this subject.

    Raises:
        NotFound: there is none.

    """
    found = await own_users(services).rows.find(sub)
    if found is None:
        raise NotFound("unknown user")
    return found


async def list_users(services: Services, *, after: str, most: int) -> Sequence[StoredUser]:
    """Return up to *most* accounts whose normalised name follows *after*."""
    return await own_users(services).rows.list_page(after, most)


async def set_roles(
    services: Services, user: StoredUser, roles: tuple[str, ...], *, origin: Origin, now_ms: int
) -> None:
    """Replace the roles; access tokens that are out keep the old ones until they expire or are refreshed."""
    details = {"before": list(user.roles), "after": list(roles)}
    event = AuditEvent(at_ms=now_ms, kind=AuditKind.ROLES_CHANGED, sub=user.sub, origin=origin, details=details)
    if not await own_users(services).rows.set_roles(user.sub, roles, event):
        raise NotFound("unknown user")


async def disable(services: Services, user: StoredUser, *, origin: Origin, now_ms: int) -> None:
    """Shut the user out and end all their sessions, at once."""
    event = AuditEvent(at_ms=now_ms, kind=AuditKind.USER_DISABLED, sub=user.sub, origin=origin)
    order = ending(EndReason.USER_DISABLED, sub=user.sub, origin=origin, now_ms=now_ms)
    if not await own_users(services).rows.set_disabled(user.sub, now_ms // 1000, order, event):
        raise NotFound("unknown user")
    await services.denylist.catch_up()


async def enable(services: Services, user: StoredUser, *, origin: Origin, now_ms: int) -> None:
    """Let the user in again; their old sessions stay ended."""
    event = AuditEvent(at_ms=now_ms, kind=AuditKind.USER_ENABLED, sub=user.sub, origin=origin)
    if not await own_users(services).rows.set_disabled(user.sub, None, None, event):
        raise NotFound("unknown user")


async def hash_new(services: Services, username: str, password: str) -> str:
    """Return the hash of a new password of *username*, which is judged before.

    Raises:
        ValidationFailed: it is too short or too long, or others would try it first.

    """
    directory, policy = own_users(services), services.policy
    password_rules.check_new(password, min_length=policy.password_min_length)
    normal = password_rules.normalise(password)
    names = names_of(username, issuer=policy.issuer, audiences=policy.audiences)
    password_rules.refuse_if(await directory.judge.objection(normal, names))
    return await directory.hasher.hash(normal)


def own_users(services: Services) -> LocalUsers:
    """Return our own directory.

    Raises:
        NotFound: an app keeps its own users.

    """
    if services.local_users is None:
        raise NotFound("external directory")
    return services.local_users
