"""Sealing the signing keys anew under the current master key, so that an old master key may go.

The keys themselves stay as they are, and so does every token that they signed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from keyturn.core.keyring import master_key_id, reseal
from keyturn.core.model import AuditEvent, AuditKind, Origin, SigningKeyRecord
from keyturn.core.ports import KeyChanges
from keyturn.core.sealer import vouch
from keyturn.core.services import Services
from keyturn.errors import ConfigurationError, InvalidKey

Records = Sequence[SigningKeyRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKeyUse:
    """What still needs a master key.

    Attributes:
        key_id: its id, which is derived from it and tells nothing about it.
        listed: its place in ``keys.master_key``, 0 for the current one; None if it is not there.
        signing_keys: how many signing keys are sealed under it.
        sessions: how many live sessions have a refresh token that it made.

    """

    key_id: bytes
    listed: int | None
    signing_keys: int
    sessions: int


async def rewrap_keys(services: Services, *, origin: Origin, now_ms: int) -> KeyChanges:
    """Seal every signing key under the current master key, all or none of them; return what was done.

    And have that key vouch for the audit log up to its newest seal.

    Raises:
        ConfigurationError: one is sealed under a master key that is not ours. Nothing was changed.

    """
    plan = partial(_plan, services, origin=origin, now_ms=now_ms)
    try:
        changes, records = await services.store.signing_keys.change(plan)
    except InvalidKey:
        raise ConfigurationError(
            "keys.master_key (KEYTURN_KEYS_MASTER_KEY): a signing key is sealed under a master key that is not in the"
            " list. Add that one behind the first. Nothing was changed."
        ) from None
    services.keyring.load(records)
    await vouch(services, now_ms=now_ms)
    return changes


async def master_key_uses(services: Services, *, now: int) -> Sequence[MasterKeyUse]:
    """Return what needs each master key: those of the list in its order, and behind them any other."""
    records = await services.store.signing_keys.list_all()
    sessions = await services.store.sessions.count_by_key_id(now)
    places = {key.key_id: place for place, key in enumerate(services.master_keys.keys)}
    strangers = sorted({*map(master_key_id, records), *sessions} - places.keys())
    return [_use(key_id, places.get(key_id), records, sessions) for key_id in (*places, *strangers)]


def _plan(services: Services, records: Records, *, origin: Origin, now_ms: int) -> KeyChanges:
    """Return the change; asked again, it draws fresh nonces, as no nonce may be used twice."""
    current = services.master_keys.current.key_id
    anew = [
        replace(record, sealed=reseal(record, services.master_keys, randomness=services.randomness))
        for record in records
        if master_key_id(record) != current
    ]
    return KeyChanges(update=tuple(anew), events=tuple(_event(record.kid, origin, now_ms) for record in anew))


def _use(key_id: bytes, listed: int | None, records: Records, sessions: Mapping[bytes, int]) -> MasterKeyUse:
    return MasterKeyUse(
        key_id=key_id,
        listed=listed,
        signing_keys=sum(master_key_id(record) == key_id for record in records),
        sessions=sessions.get(key_id, 0),
    )


def _event(kid: str, origin: Origin, now_ms: int) -> AuditEvent:
    return AuditEvent(at_ms=now_ms, kind=AuditKind.KEY_REWRAPPED, origin=origin, details={"kid": kid})
