"""Rotation of signing keys: ``next → active → retired``, and ``revoked`` in an emergency.

No key signs before it has stood in the JWK Set for ``publish_ahead`` seconds, except the very first and the one
that steps in for a revoked key. A key stays published after its last signature for as long as a token it signed
can live and a resource server may keep the set.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from keyturn.core.keyring import seal
from keyturn.core.model import AuditEvent, AuditKind, KeyState, Origin, SigningKeyRecord
from keyturn.core.policy import REVOCATION_LIFETIME, KeyPolicy
from keyturn.core.ports import KeyChanges, Revoking
from keyturn.core.services import Services
from keyturn.errors import NotFound
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.master_key import NONCE_BYTES
from keyturn.tokens.revocation import RevocationKind, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshKey:
    """A key that was just made and may be used by a plan, or thrown away."""

    kid: str
    algorithm: Algorithm
    sealed: bytes = field(repr=False)


Records = Sequence[SigningKeyRecord]
Plan = Callable[[Records, FreshKey], KeyChanges]

SYSTEM = Origin(actor="system")


async def list_keys(services: Services) -> Records:
    """Return every key as it is now, the newest published first."""
    return await services.store.signing_keys.list_all()


async def rotate_if_due(services: Services, *, now_ms: int) -> KeyChanges:
    """Carry out what the schedule asks for, and load the keys as they are then.

    Any number of processes may call this at the same time: the plan is made and carried out in one step.
    """
    records = await services.store.signing_keys.list_all()
    if not is_due(records, now=now_ms // 1000, policy=services.policy.keys):
        services.keyring.load(records)
        return KeyChanges()
    return await _change(services, partial(plan_rotation, now=now_ms // 1000, policy=services.policy.keys))


async def rotate_now(services: Services, *, origin: Origin, now_ms: int) -> KeyChanges:
    """Publish the next key now; it signs after ``publish_ahead``, or at once if it has been published that long."""
    rule = partial(plan_manual_rotation, now=now_ms // 1000, policy=services.policy.keys, origin=origin)
    return await _change(services, rule)


async def revoke_key(services: Services, kid: str, *, origin: Origin, now_ms: int) -> KeyChanges:
    """Make every token that *kid* signed fail, here at once; another key steps in if it was the active one.

    Raises:
        NotFound: there is no such key.

    """
    rule = partial(plan_revocation, kid=kid, now=now_ms // 1000, origin=origin)
    changes = await _change(services, rule)
    await services.denylist.catch_up()
    return changes


def is_due(records: Records, *, now: int, policy: KeyPolicy) -> bool:
    """Tell whether `plan_rotation` would do anything."""
    return bool(plan_rotation(records, _ANY_KEY, now=now, policy=policy))


def plan_rotation(records: Records, fresh: FreshKey, *, now: int, policy: KeyPolicy) -> KeyChanges:
    """Return what the schedule asks for at *now*, one step at a time; a second call may ask for the next step."""
    active = _in_state(records, KeyState.ACTIVE)
    upcoming = _in_state(records, KeyState.NEXT)
    if active is None:
        return _step_in(upcoming, fresh, now, SYSTEM)
    if upcoming is not None and upcoming.algorithm is not policy.algorithm:
        return KeyChanges(delete=(upcoming.kid,), events=(_event(AuditKind.KEY_REMOVED, upcoming.kid, now, SYSTEM),))
    if upcoming is not None and upcoming.activate_at <= now:
        return _switch(active, upcoming, now, SYSTEM)
    switch_at = _switch_at(active, now, policy)
    if upcoming is None and now >= switch_at - policy.publish_ahead:
        return _publish(fresh, now, max(now + policy.publish_ahead, switch_at), SYSTEM)
    return _remove_old(records, now, policy)


def plan_manual_rotation(
    records: Records, fresh: FreshKey, *, now: int, policy: KeyPolicy, origin: Origin
) -> KeyChanges:
    """Return what a rotation by hand does: publish a key, or bring the switch to a published one forward."""
    active = _in_state(records, KeyState.ACTIVE)
    upcoming = _in_state(records, KeyState.NEXT)
    if active is None:
        return _step_in(upcoming, fresh, now, origin)
    if upcoming is None:
        return _publish(fresh, now, now + policy.publish_ahead, origin)
    ready_at = upcoming.published_at + policy.publish_ahead
    if ready_at <= now:
        return _switch(active, upcoming, now, origin)
    return KeyChanges(update=(replace(upcoming, activate_at=ready_at),))


def plan_revocation(records: Records, fresh: FreshKey, *, kid: str, now: int, origin: Origin) -> KeyChanges:
    """Return what an emergency revocation of *kid* does.

    Raises:
        NotFound: there is no such key.

    """
    found = next((record for record in records if record.kid == kid), None)
    if found is None:
        raise NotFound("unknown kid", sentence="There is no signing key with this kid.")
    if found.state is KeyState.REVOKED:
        return KeyChanges()
    revoked = KeyChanges(
        update=(replace(found, state=KeyState.REVOKED, revoked_at=now),),
        revoke=(_revocation_of(kid, now),),
        events=(_event(AuditKind.KEY_REVOKED, kid, now, origin),),
    )
    if found.state is not KeyState.ACTIVE:
        return revoked
    return _both(revoked, _step_in(_in_state(records, KeyState.NEXT), fresh, now, origin))


def _step_in(upcoming: SigningKeyRecord | None, fresh: FreshKey, now: int, origin: Origin) -> KeyChanges:
    """Make a key active at once, because none is: there is nothing that its being new could break."""
    if upcoming is not None:
        return KeyChanges(update=(_activated(upcoming, now),), events=(_activation(upcoming.kid, now, origin),))
    record = SigningKeyRecord(
        kid=fresh.kid,
        algorithm=fresh.algorithm,
        state=KeyState.ACTIVE,
        sealed=fresh.sealed,
        published_at=now,
        activate_at=now,
        activated_at=now,
    )
    events = (_event(AuditKind.KEY_CREATED, fresh.kid, now, origin), _activation(fresh.kid, now, origin))
    return KeyChanges(insert=(record,), events=events)


def _publish(fresh: FreshKey, now: int, activate_at: int, origin: Origin) -> KeyChanges:
    record = SigningKeyRecord(
        kid=fresh.kid,
        algorithm=fresh.algorithm,
        state=KeyState.NEXT,
        sealed=fresh.sealed,
        published_at=now,
        activate_at=activate_at,
    )
    return KeyChanges(insert=(record,), events=(_event(AuditKind.KEY_CREATED, fresh.kid, now, origin),))


def _switch(active: SigningKeyRecord, upcoming: SigningKeyRecord, now: int, origin: Origin) -> KeyChanges:
    retired = replace(active, state=KeyState.RETIRED, retired_at=now)
    events = (_event(AuditKind.KEY_RETIRED, active.kid, now, origin), _activation(upcoming.kid, now, origin))
    return KeyChanges(update=(retired, _activated(upcoming, now)), events=events)


def _switch_at(active: SigningKeyRecord, now: int, policy: KeyPolicy) -> int:
    """Return when the active key is due to be replaced: now if the algorithm was changed."""
    return active.activate_at + policy.rotate_every if active.algorithm is policy.algorithm else now


def _remove_old(records: Records, now: int, policy: KeyPolicy) -> KeyChanges:
    old = tuple(record.kid for record in records if _gone_at(record, policy) <= now)
    return KeyChanges(delete=old, events=tuple(_event(AuditKind.KEY_REMOVED, kid, now, SYSTEM) for kid in old))


def _gone_at(record: SigningKeyRecord, policy: KeyPolicy) -> float:
    last_use = record.revoked_at or record.retired_at
    return float("inf") if last_use is None else last_use + policy.keep_retired


def _activated(record: SigningKeyRecord, now: int) -> SigningKeyRecord:
    return replace(record, state=KeyState.ACTIVE, activate_at=now, activated_at=now)


def _revocation_of(kid: str, now: int) -> Revoking:
    expires_at = now + REVOCATION_LIFETIME
    return Revoking(kind=RevocationKind.KID, digest=digest(RevocationKind.KID, kid), before=None, expires_at=expires_at)


def _both(one: KeyChanges, other: KeyChanges) -> KeyChanges:
    return KeyChanges(
        insert=one.insert + other.insert,
        update=one.update + other.update,
        delete=one.delete + other.delete,
        revoke=one.revoke + other.revoke,
        events=one.events + other.events,
    )


def _in_state(records: Records, state: KeyState) -> SigningKeyRecord | None:
    return next((record for record in records if record.state is state), None)


def _activation(kid: str, now: int, origin: Origin) -> AuditEvent:
    return _event(AuditKind.KEY_ACTIVATED, kid, now, origin)


def _event(kind: AuditKind, kid: str, now: int, origin: Origin) -> AuditEvent:
    return AuditEvent(at_ms=now * 1000, kind=kind, origin=origin, details={"kid": kid})


async def _change(services: Services, plan: Plan) -> KeyChanges:
    """Make a key that the plan may use, carry the plan out in one step and load the outcome."""
    key = await services.generate_key(services.policy.keys.algorithm)
    sealed = seal(key, services.master_keys, nonce=services.randomness(NONCE_BYTES))
    fresh = FreshKey(kid=key.kid, algorithm=key.algorithm, sealed=sealed)
    changes, records = await services.store.signing_keys.change(lambda found: plan(found, fresh))
    services.keyring.load(records)
    return changes


_ANY_KEY = FreshKey(kid="", algorithm=Algorithm.ES256, sealed=b"")
