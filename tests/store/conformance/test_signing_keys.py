"""`SigningKeys`: a change reads, plans and writes in one step."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from keyturn.core.model import AuditKind, KeyState, SigningKeyRecord
from keyturn.core.ports import KeyChanges, Store
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.revocation import RevocationKind

KEY = SigningKeyRecord(
    kid="kid-1",
    algorithm=Algorithm.ES256,
    state=KeyState.ACTIVE,
    sealed=b"\x00sealed",
    published_at=100,
    activate_at=100,
    activated_at=100,
)
NEXT = replace(KEY, kid="kid-2", state=KeyState.NEXT, published_at=200, activate_at=300, activated_at=None)


async def test_a_plan_inserts_replaces_and_deletes(store: Store, given: Any) -> None:
    """What a plan orders is done, told and there afterwards, the newest published first."""
    insert = KeyChanges(insert=(KEY, NEXT, replace(KEY, kid="kid-0")), events=(given.event(AuditKind.KEY_CREATED),))
    retired = replace(KEY, state=KeyState.RETIRED, retired_at=300, sealed=b"rewrapped")

    assert await store.signing_keys.change(lambda _: insert) == (insert, [NEXT, replace(KEY, kid="kid-0"), KEY])
    _, after = await store.signing_keys.change(lambda _: KeyChanges(update=(retired,), delete=("kid-0",)))

    assert after == [NEXT, retired]
    assert await store.signing_keys.list_all() == [NEXT, retired]
    assert [event.kind for _, event in await store.audit.list_page(0, 9)] == [AuditKind.KEY_CREATED]


async def test_a_revocation_goes_with_the_change(store: Store, given: Any) -> None:
    """Revoking a key publishes its entry in the same step, at the event's time."""
    await store.signing_keys.change(lambda _: KeyChanges(insert=(KEY,)))
    revoked = replace(KEY, state=KeyState.REVOKED, revoked_at=given.now)
    entry = replace(given.revoking("kid-1"), kind=RevocationKind.KID)
    changes = KeyChanges(update=(revoked,), revoke=(entry,), events=(given.event(AuditKind.KEY_REVOKED),))

    await store.signing_keys.change(lambda _: changes)

    (found,) = await store.revocations.after(0, 1000)
    assert (found.seq, found.kind) == (given.now_ms, RevocationKind.KID)


async def test_a_plan_sees_the_keys_and_may_do_nothing(store: Store) -> None:
    """A plan is asked with all the keys; without changes there is no trace."""
    await store.signing_keys.change(lambda _: KeyChanges(insert=(KEY,)))
    asked: list[Sequence[SigningKeyRecord]] = []

    def look(records: Sequence[SigningKeyRecord]) -> KeyChanges:
        asked.append(list(records))
        return KeyChanges()

    assert await store.signing_keys.change(look) == (KeyChanges(), [KEY])
    assert asked == [[KEY]]


async def test_of_plans_at_once_each_sees_what_the_others_did(store: Store) -> None:
    """20 parallel plans that make a first key if there is none make one."""

    def first(records: Sequence[SigningKeyRecord]) -> KeyChanges:
        return KeyChanges() if records else KeyChanges(insert=(KEY,))

    outcomes = await asyncio.gather(*(store.signing_keys.change(first) for _ in range(20)))

    assert sum(bool(changes) for changes, _ in outcomes) == 1
    assert all(after == [KEY] for _, after in outcomes)


async def test_a_plan_that_fails_changes_nothing_and_its_error_reaches_the_caller(store: Store) -> None:
    """The error is the caller's own, and the store goes on."""

    def broken(records: Sequence[SigningKeyRecord]) -> KeyChanges:
        raise LookupError(len(records))

    with pytest.raises(LookupError):
        await store.signing_keys.change(broken)

    assert await store.signing_keys.list_all() == []
