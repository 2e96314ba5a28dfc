"""Refresh, exactly once: one atomic step from generation *g* to *g + 1*, and a pure rule for whoever comes late.

A token is (handle, generation) under a MAC, so the session's row is one counter. Presenting generation *g*:

- the session is at *g*: one conditional update makes it *g + 1*;
- it is at *g + 1* and the rotation is young, or the request carries the session's device token: the same
  successor again (parallel tabs, lost answers, phones that slept in the middle);
- it is behind *g*: we made that token, so the store was rolled back; the row jumps forward;
- anything else is reuse (RFC 9700 §4.14.2): the session ends, and that is committed before the refusal is raised.

User, scopes, audience and signing key are settled before the update: a refusal consumes nothing.
"""

import hmac
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NoReturn

from keyturn.core.addresses import network_of
from keyturn.core.device import changes
from keyturn.core.ending import ending
from keyturn.core.grant import choose_audience, choose_scopes, granted_scopes
from keyturn.core.issue import Issued, check_cut_off, sign_access_token
from keyturn.core.model import AuditEvent, AuditKind, ClientKind, Device, EndReason, Origin, Session, User
from keyturn.core.policy import Enforcement
from keyturn.core.ports import Advance, Advanced
from keyturn.core.ratelimit import Reservation, retry_after
from keyturn.core.services import Services
from keyturn.errors import InvalidGrant, RateLimited, TemporarilyUnavailable
from keyturn.tokens import device_token, refresh_token
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.refresh_token import RefreshToken


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRequest:
    """What a refresh brings.

    Attributes:
        clients: the kinds of session whose token may come the way this one came (body or cookie).
        device: browser and operating system; its address is taken from *origin*.

    """

    refresh_token: str = field(repr=False)
    clients: frozenset[ClientKind]
    scope: tuple[str, ...] | None
    resource: str | None
    device_token: str | None = field(repr=False)
    device: Device
    origin: Origin


class Verdict(StrEnum):
    """What a token is to its session."""

    CURRENT = "current"
    REPLAY = "replay"
    ROLLED_BACK = "rolled_back"
    REUSED = "reused"
    EXPIRED = "expired"
    ENDED = "ended"
    UNKNOWN = "unknown"


def judge(  # noqa: PLR0911 - one line a rule, read from top to bottom
    session: Session | None,
    *,
    presented: int,
    now_ms: int,
    grace_ms: int,
    binding: Enforcement,
    browser: str,
    device_id: bytes | None,
) -> Verdict:
    """Judge generation *presented* of a session.

    Args:
        session: the row as it is.
        presented: the generation in the token.
        now_ms: the time of the request.
        grace_ms: for how long after a rotation its predecessor is answered again; 0 for not at all.
        binding: whether another user-agent family makes a replay a theft.
        browser: the user-agent family of the request.
        device_id: the id in the device token that came along, if one did.

    """
    if session is None:
        return Verdict.UNKNOWN
    if session.ended_at is not None:
        return Verdict.ENDED
    if now_ms // 1000 >= session.ends_at():
        return Verdict.EXPIRED
    if presented > session.generation:
        return Verdict.ROLLED_BACK
    if presented == session.generation:
        return Verdict.CURRENT
    if presented < session.generation - 1 or grace_ms == 0:
        return Verdict.REUSED
    if binding is Enforcement.ENFORCE and browser != session.device.browser:
        return Verdict.REUSED
    if device_id is not None and hmac.compare_digest(device_id, session.device_id):
        return Verdict.REPLAY
    return Verdict.REPLAY if now_ms - session.rotated_at_ms <= grace_ms else Verdict.REUSED


async def refresh(services: Services, request: RefreshRequest, *, now_ms: int) -> Issued:
    """Exchange a refresh token for its successor and a new access token (RFC 6749 §6).

    Raises:
        InvalidGrant: the token is forged, unknown, expired, ended, reused, or came the wrong way.
        InvalidScope: more scope than the session and the roles give.
        InvalidTarget: the resource is not known here.
        RateLimited: this session rotates too often.
        TemporarilyUnavailable: nothing was changed.

    """
    token = refresh_token.parse(request.refresh_token, services.master_keys.refresh_token_keys)
    session, user = await _find(services, token.handle)
    device = replace(request.device, address=network_of(request.origin.address))
    attempt = _Attempt(services=services, request=request, token=token, device=device, now_ms=now_ms)
    await _refuse_what_is_over(attempt, session)
    grant = await _settle(attempt, session, user)
    await _enforce_device(attempt, session)
    outcome = await _advance(attempt, token.generation)
    if not outcome.moved:
        return await _late(attempt, outcome, grant)
    await _observe_device(attempt, session)
    return await _answer(attempt, outcome, grant)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """One request on its way."""

    services: Services
    request: RefreshRequest
    token: RefreshToken
    device: Device
    now_ms: int

    @property
    def device_id(self) -> bytes | None:
        device = device_token.parse(self.request.device_token, self.services.master_keys.device_token_keys)
        return None if device is None else device.device_id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    """What the answer will say, settled before anything is changed."""

    user: User
    scopes: tuple[str, ...]
    audience: str
    key: SigningKey


async def _find(services: Services, handle: bytes) -> tuple[Session, User | None]:
    """Return the session and the user as they are now: in one query if they are in one place."""
    if services.local_users is not None:
        found = await services.store.sessions.find_with_user(handle)
        if found is None:
            raise InvalidGrant("unknown_session")
        return found
    session = await services.store.sessions.find(handle)
    if session is None:
        raise InvalidGrant("unknown_session")
    return session, await services.users.find(session.sub)


async def _refuse_what_is_over(attempt: _Attempt, session: Session) -> None:
    """Refuse a token that is over before anything else that may be wrong with the request is told.

    A row only moves on, so a token that is behind it stays behind. Whether a session has expired is left to the
    advance: a refresh beside this one may just have been in time.
    """
    if session.client not in attempt.request.clients:
        await _refuse(attempt, session, "wrong_way")
    verdict = _judge(attempt, session)
    if verdict is Verdict.ENDED:
        await _refuse(attempt, session, verdict)
    if verdict is Verdict.REUSED:
        await _end_because(attempt, session, verdict)


async def _settle(attempt: _Attempt, session: Session, user: User | None) -> _Grant:
    services, request = attempt.services, attempt.request
    if user is None or user.disabled:
        await _refuse(attempt, session, "user_disabled")
    check_cut_off(services, user.sub, now_ms=attempt.now_ms)
    granted = granted_scopes(user.roles, services.policy.roles)
    return _Grant(
        user=user,
        scopes=choose_scopes(granted, of_session=session.scope, requested=request.scope),
        audience=choose_audience(services.policy, of_session=session.resource, requested=request.resource),
        key=services.keyring.signing_key(),
    )


async def _advance(attempt: _Attempt, from_generation: int) -> Advanced:
    order = Advance(
        handle=attempt.token.handle,
        from_generation=from_generation,
        to_generation=attempt.token.generation + 1,
        key_id=attempt.services.master_keys.current.key_id,
        now_ms=attempt.now_ms,
        idle=attempt.services.policy.refresh_idle,
        rate=attempt.services.policy.refresh_per_session,
        device=attempt.device,
    )
    return await attempt.services.store.sessions.advance(order)


async def _late(attempt: _Attempt, outcome: Advanced, grant: _Grant) -> Issued:
    """Answer a token that did not move its session."""
    session = outcome.session
    if session is None:
        raise InvalidGrant(Verdict.UNKNOWN)
    verdict = _judge(attempt, session)
    if verdict is Verdict.ENDED:
        raise InvalidGrant(verdict)
    if verdict is Verdict.CURRENT:  # only the limit can have stopped it
        rate = attempt.services.policy.refresh_per_session
        wait = retry_after(session.refresh_tat_us, attempt.now_ms * 1000, rate)
        raise RateLimited("refresh_per_session", retry_after=wait)
    if verdict is Verdict.REPLAY:
        event = _event(attempt, session, AuditKind.REFRESH_REPLAYED, _seen(attempt, session))
        await attempt.services.store.sessions.note_replay(session.handle, session.generation, event)
        return await _answer(attempt, outcome, grant)
    if verdict is Verdict.ROLLED_BACK:
        return await _jump_forward(attempt, session, grant)
    return await _end_because(attempt, session, verdict)


async def _end_because(attempt: _Attempt, session: Session, verdict: Verdict) -> NoReturn:
    """End the session for good, and only then refuse."""
    await _end(attempt, session, *_ENDINGS[verdict])
    raise InvalidGrant(verdict)


def _judge(attempt: _Attempt, session: Session) -> Verdict:
    policy = attempt.services.policy
    return judge(
        session,
        presented=attempt.token.generation,
        now_ms=attempt.now_ms,
        grace_ms=policy.grace_ms,
        binding=policy.device_binding,
        browser=attempt.request.device.browser,
        device_id=attempt.device_id,
    )


_ENDINGS = {
    Verdict.REUSED: (EndReason.REUSED, AuditKind.TOKEN_REUSED),
    Verdict.EXPIRED: (EndReason.EXPIRED, AuditKind.SESSION_ENDED),
}


async def _jump_forward(attempt: _Attempt, session: Session, grant: _Grant) -> Issued:
    """Bring the row of a rolled-back store to where its clients are."""
    await _audit(attempt, session, AuditKind.STORE_ROLLED_BACK, f"row at {session.generation}")
    outcome = await _advance(attempt, session.generation)
    if outcome.moved:
        return await _answer(attempt, outcome, grant)
    if outcome.session is None or outcome.session.generation <= session.generation:
        raise TemporarilyUnavailable("rolled-back row did not move")
    return await _late(attempt, outcome, grant)  # somebody else moved it forward; each round sees a higher generation


async def _answer(attempt: _Attempt, outcome: Advanced, grant: _Grant) -> Issued:
    services, session = attempt.services, outcome.session
    token_key = None if session is None else services.master_keys.refresh_token_keys.get(session.key_id)
    if session is None or token_key is None:
        raise InvalidGrant("unknown_key")  # the operator took the session's master key away
    await services.denylist.catch_up_to(outcome.newest_revocation)
    text, expires_in = await sign_access_token(
        services,
        key=grant.key,
        user=grant.user,
        session=session,
        scopes=grant.scopes,
        audience=grant.audience,
        now_ms=attempt.now_ms,
    )
    successor = refresh_token.issue(token_key, handle=session.handle, generation=session.generation)
    return Issued(
        access_token=text, expires_in=expires_in, scopes=grant.scopes, session=session, refresh_token=successor
    )


async def _enforce_device(attempt: _Attempt, session: Session) -> None:
    """End the session if what must not change has changed."""
    for change in changes(session.device, attempt.device, attempt.services.policy):
        if change.rule is Enforcement.ENFORCE:
            await _end(attempt, session, change.end_reason, change.audit_kind)
            raise InvalidGrant(change.end_reason)


async def _observe_device(attempt: _Attempt, session: Session) -> None:
    for change in changes(session.device, attempt.device, attempt.services.policy):
        await _audit(attempt, session, change.audit_kind, change.description)


async def _end(attempt: _Attempt, session: Session, reason: EndReason, kind: AuditKind) -> None:
    order = ending(reason, handle=session.handle, origin=attempt.request.origin, now_ms=attempt.now_ms, kind=kind)
    await attempt.services.store.sessions.end(order)
    await attempt.services.denylist.catch_up()


async def _refuse(attempt: _Attempt, session: Session, reason: str) -> NoReturn:
    """Refuse without a change. What somebody repeats without end is written down as often as a session may rotate."""
    limit = Reservation(key=f"refused:{session.sid}", rate=attempt.services.policy.refresh_per_session)
    if not await attempt.services.store.rate_limits.reserve([limit], attempt.now_ms):
        await _audit(attempt, session, AuditKind.REFRESH_REFUSED, reason)
    raise InvalidGrant(reason)


async def _audit(attempt: _Attempt, session: Session, kind: AuditKind, reason: str = "") -> None:
    await attempt.services.store.audit.append([_event(attempt, session, kind, reason)])


def _event(attempt: _Attempt, session: Session, kind: AuditKind, reason: str) -> AuditEvent:
    return AuditEvent(
        at_ms=attempt.now_ms,
        kind=kind,
        sub=session.sub,
        sid=session.sid,
        reason=reason,
        origin=attempt.request.origin,
    )


def _seen(attempt: _Attempt, session: Session) -> str:
    """Say what is different about the device of a replay."""
    found = changes(session.device, attempt.device, attempt.services.policy)
    return ", ".join(change.description for change in found)
