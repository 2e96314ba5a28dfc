"""When signing keys change: the schedule, a rotation by hand, an emergency."""

from dataclasses import replace

import pytest
from builders import DAY, KEY_POLICY, NOW, key

from keyturn.core.keys import FreshKey, plan_manual_rotation, plan_revocation, plan_rotation
from keyturn.core.model import KeyState, Origin, SigningKeyRecord
from keyturn.core.ports import KeyChanges
from keyturn.errors import NotFound
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.revocation import RevocationKind

FRESH = FreshKey(kid="fresh", algorithm=Algorithm.ES256, sealed=b"sealed")
OPERATOR = Origin(actor="operator")


def applied(records: list[SigningKeyRecord], changes: KeyChanges) -> list[SigningKeyRecord]:
    """Do what a store does with *changes*."""
    by_kid = {record.kid: record for record in records}
    by_kid |= {record.kid: record for record in (*changes.insert, *changes.update)}
    return [record for kid, record in by_kid.items() if kid not in changes.delete]


def states(records: list[SigningKeyRecord]) -> dict[str, KeyState]:
    """Return each key's state."""
    return {record.kid: record.state for record in records}


def test_the_very_first_key_signs_at_once() -> None:
    """There is nobody yet who could have an older key set."""
    changes = plan_rotation([], FRESH, now=NOW, policy=KEY_POLICY)

    assert states(applied([], changes)) == {"fresh": KeyState.ACTIVE}


def test_nothing_happens_before_the_next_key_is_due_to_be_published() -> None:
    """A young active key is left alone until ``publish_ahead`` before its end."""
    active = key("a", KeyState.ACTIVE)

    assert not plan_rotation([active], FRESH, now=NOW + 29 * DAY - 1, policy=KEY_POLICY)
    assert plan_rotation([active], FRESH, now=NOW + 29 * DAY, policy=KEY_POLICY).insert


def test_a_key_is_published_a_day_before_it_signs() -> None:
    """KEY-03: the successor stands in the set for ``publish_ahead`` before its first signature."""
    records = [key("a", KeyState.ACTIVE)]
    records = applied(records, plan_rotation(records, FRESH, now=NOW + 29 * DAY, policy=KEY_POLICY))

    early = plan_rotation(records, FRESH, now=NOW + 30 * DAY - 1, policy=KEY_POLICY)
    on_time = plan_rotation(records, FRESH, now=NOW + 30 * DAY, policy=KEY_POLICY)

    assert states(records) == {"a": KeyState.ACTIVE, "fresh": KeyState.NEXT}
    assert not early
    assert states(applied(records, on_time)) == {"a": KeyState.RETIRED, "fresh": KeyState.ACTIVE}


def test_a_server_that_slept_for_a_year_still_publishes_first() -> None:
    """KEY-03: being late is no reason to sign with a key that nobody has seen."""
    records = [key("a", KeyState.ACTIVE)]

    changes = plan_rotation(records, FRESH, now=NOW + 365 * DAY, policy=KEY_POLICY)

    assert changes.insert[0].state is KeyState.NEXT
    assert changes.insert[0].activate_at == NOW + 366 * DAY


def test_a_retired_key_is_kept_until_its_last_token_and_every_cache_are_gone() -> None:
    """KEY-03: it goes only after the longest token life, the leeway and the cache age."""
    records = [key("a", KeyState.ACTIVE), key("old", KeyState.RETIRED, retired_at=NOW)]
    gone_at = NOW + KEY_POLICY.keep_retired

    assert KEY_POLICY.keep_retired >= 3600 + 60 + 300
    assert not plan_rotation(records, FRESH, now=gone_at - 1, policy=KEY_POLICY)
    assert plan_rotation(records, FRESH, now=gone_at, policy=KEY_POLICY).delete == ("old",)


def test_a_revoked_key_is_kept_as_long_as_a_retired_one() -> None:
    """From its revocation on, whenever it was retired: whoever looks into the matter finds its record."""
    for retired_at in (None, NOW - 9 * DAY):
        revoked = key("bad", KeyState.REVOKED, retired_at=retired_at, revoked_at=NOW)
        records = [key("a", KeyState.ACTIVE), revoked]
        gone_at = NOW + KEY_POLICY.keep_retired
        assert not plan_rotation(records, FRESH, now=gone_at - 1, policy=KEY_POLICY)
        assert plan_rotation(records, FRESH, now=gone_at, policy=KEY_POLICY).delete == ("bad",)


def test_a_key_s_time_begins_when_it_begins_to_sign() -> None:
    """One that had to wait for a server that slept signs as long as any other."""
    records = [key("a", KeyState.ACTIVE), key("n", KeyState.NEXT, activate_at=NOW + 30 * DAY)]

    records = applied(records, plan_rotation(records, FRESH, now=NOW + 90 * DAY, policy=KEY_POLICY))
    records = applied(records, plan_rotation(records, FRESH, now=NOW + 119 * DAY - 1, policy=KEY_POLICY))
    due = plan_rotation(records, FRESH, now=NOW + 119 * DAY, policy=KEY_POLICY)

    assert states(records) == {"n": KeyState.ACTIVE}
    assert [record.activate_at for record in due.insert] == [NOW + 120 * DAY]


def test_another_algorithm_comes_as_soon_as_it_has_been_published_long_enough() -> None:
    """Changing ``access_token.algorithm`` rotates by the same rules, without waiting for the schedule."""
    policy = replace(KEY_POLICY, algorithm=Algorithm.EdDSA)
    fresh = replace(FRESH, algorithm=Algorithm.EdDSA)
    records = [key("a", KeyState.ACTIVE), key("n", KeyState.NEXT, activate_at=NOW + DAY)]

    records = applied(records, plan_rotation(records, fresh, now=NOW, policy=policy))
    records = applied(records, plan_rotation(records, fresh, now=NOW, policy=policy))

    assert states(records) == {"a": KeyState.ACTIVE, "fresh": KeyState.NEXT}
    assert records[-1].activate_at == NOW + DAY


def test_rotating_by_hand_publishes_now_and_signs_after_publish_ahead() -> None:
    """An operator's rotation keeps the promise too."""
    records = [key("a", KeyState.ACTIVE)]

    changes = plan_manual_rotation(records, FRESH, now=NOW, policy=KEY_POLICY, origin=OPERATOR)

    assert changes.insert[0].activate_at == NOW + DAY


def test_rotating_by_hand_again_brings_the_switch_forward_but_never_too_far() -> None:
    """A published key takes over at once if it has been published long enough, else as soon as it has."""
    upcoming = key("n", KeyState.NEXT, activate_at=NOW + 20 * DAY)
    records = [key("a", KeyState.ACTIVE), upcoming]

    young = plan_manual_rotation(records, FRESH, now=NOW + 1, policy=KEY_POLICY, origin=OPERATOR)
    old = plan_manual_rotation(records, FRESH, now=NOW + DAY, policy=KEY_POLICY, origin=OPERATOR)

    assert young.update[0].activate_at == NOW + DAY
    assert states(applied(records, old)) == {"a": KeyState.RETIRED, "n": KeyState.ACTIVE}


def test_revoking_the_active_key_lets_another_step_in_at_once() -> None:
    """KEY-04: in an emergency there is no waiting, and every token of the key is revoked."""
    records = [key("a", KeyState.ACTIVE)]

    changes = plan_revocation(records, FRESH, kid="a", now=NOW, origin=OPERATOR)

    assert states(applied(records, changes)) == {"a": KeyState.REVOKED, "fresh": KeyState.ACTIVE}
    assert [revoking.kind for revoking in changes.revoke] == [RevocationKind.KID]


def test_revoking_the_active_key_prefers_the_one_that_is_published() -> None:
    """Verifiers know the next key already."""
    records = [key("a", KeyState.ACTIVE), key("n", KeyState.NEXT, activate_at=NOW + DAY)]

    changes = plan_revocation(records, FRESH, kid="a", now=NOW, origin=OPERATOR)

    assert states(applied(records, changes)) == {"a": KeyState.REVOKED, "n": KeyState.ACTIVE}


def test_revoking_twice_or_revoking_what_is_unknown_changes_nothing() -> None:
    """A second revocation is no change; an unknown kid is told."""
    records = [key("a", KeyState.ACTIVE), key("r", KeyState.REVOKED, revoked_at=NOW)]

    assert not plan_revocation(records, FRESH, kid="r", now=NOW, origin=OPERATOR)
    with pytest.raises(NotFound):
        plan_revocation(records, FRESH, kid="nobody", now=NOW, origin=OPERATOR)


@pytest.mark.parametrize("hours", [1, 6, 24])
def test_over_a_year_there_is_always_one_active_key_and_none_unpublished_before_it_signs(hours: int) -> None:
    """KEY-03, KEY-04: at every tick of a year exactly one key is active, published long enough, never removed early."""
    records: list[SigningKeyRecord] = []
    removed_too_early = []
    for tick in range(0, 365 * 24, hours):
        now = NOW + tick * 3600
        before = {record.kid: record for record in records}
        fresh = replace(FRESH, kid=f"k{tick}")
        changes = plan_rotation(records, fresh, now=now, policy=KEY_POLICY)
        records = applied(records, changes)
        removed_too_early += [
            kid for kid in changes.delete if now < (before[kid].retired_at or 0) + KEY_POLICY.keep_retired
        ]
        active = [record for record in records if record.state is KeyState.ACTIVE]
        assert len(active) == 1
        first = active[0].published_at == NOW
        assert first or (active[0].activated_at or 0) - active[0].published_at >= KEY_POLICY.publish_ahead

    assert removed_too_early == []
    assert len(records) <= 3
