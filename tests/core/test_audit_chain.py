"""The chain of seals: who is blamed for what does not fit, each once, and who vouches for whom."""

from dataclasses import replace
from random import Random
from typing import Final

from keyturn.core.audit_chain import Chain, Fault
from keyturn.core.audit_check import Comparison
from keyturn.core.model import Seal
from keyturn.core.sealing import START, hash_of, seal_entries
from keyturn.tokens.base64url import encode
from keyturn.tokens.master_key import MasterKey, parse_master_keys

KEYS: Final = parse_master_keys(encode(Random(7).randbytes(32)))
OURS: Final = KEYS.current
STRANGER: Final = parse_master_keys(encode(Random(8).randbytes(32))).current


def seal_after(before: Seal | None, entries: int, key: MasterKey = OURS) -> Seal:
    """Return a seal by *key* over so many entries, behind another one."""
    after = 0 if before is None else before.last
    return seal_entries(
        (),
        number=1 if before is None else before.number + 1,
        after=after,
        upto=after + entries,
        previous=START if before is None else hash_of(before),
        key=key,
        now_ms=0,
    )


def judged(*seals: Seal) -> list[tuple[str, int, int, int | None]]:
    """Return what is found: the fault, the first and the last entry, the seal."""
    chain = Chain(KEYS)
    for seal in seals:
        chain.follow(seal)
    chain.finish()
    return [(found.fault.value, found.first, found.last, found.seal) for found in chain.findings]


def test_a_changed_seal_is_blamed_once() -> None:
    """And not again by the seal behind it, which does not follow it any more."""
    first = seal_after(None, 5)
    second = seal_after(first, 3)
    third = seal_after(second, 4)

    assert judged(first, second, third) == []
    assert judged(first, replace(second, mac=bytes(32)), third) == [("seal_changed", 6, 8, 2)]


def test_the_first_seal_begins_with_the_first_entry() -> None:
    """One of ours that leaves entries out before itself is none that a server has made."""
    late = seal_entries((), number=1, after=3, upto=5, previous=START, key=OURS, now_ms=0)

    assert judged(late) == [("seal_changed", 4, 5, 1)]


def test_a_seal_that_is_there_twice_is_held_against_nothing() -> None:
    """Its number is taken: whatever it says of entries is nobody's word."""
    first = seal_after(None, 5)
    chain = Chain(KEYS)
    assert chain.follow(first)
    assert not chain.follow(first)
    assert [found.fault.value for found in chain.findings] == ["seal_changed"]


def test_no_seal_covers_an_entry_before_the_first() -> None:
    """Also where nobody knows where it should begin, behind one that was changed."""
    first = seal_after(None, 5)
    changed = replace(first, mac=bytes(32))
    for after, fits in ((-1, False), (0, True)):
        behind = seal_entries((), number=2, after=after, upto=8, previous=hash_of(changed), key=OURS, now_ms=0)
        chain = Chain(KEYS)
        chain.follow(changed)
        assert chain.follow(behind) is fits


def test_seals_of_an_unknown_key_are_one_finding() -> None:
    """From the first of them to where another one vouches for them, or else to the end."""
    first = seal_after(None, 5, STRANGER)
    second = seal_after(first, 3, STRANGER)

    assert judged(first, second) == [("unknown_key", 1, 8, 1)]
    assert judged(first, second, seal_after(second, 1)) == []


def test_a_seal_vouches_for_none_before_a_gap() -> None:
    """A seal of ours follows the one that was removed: what came before that may be anybody's."""
    first = seal_after(None, 5, STRANGER)
    removed = seal_after(first, 3)
    third = seal_after(removed, 4)

    assert judged(first, third) == [("seal_removed", 6, 8, 2), ("unknown_key", 1, 5, 1)]


def test_a_seal_vouches_for_none_before_a_forged_one() -> None:
    """Whoever makes a forged seal out of one of ours chooses what it follows."""
    first = seal_after(None, 5)
    second = seal_after(first, 3)
    third = seal_after(second, 4)
    put_in, forged = seal_after(None, 5, STRANGER), replace(second, mac=bytes(32))

    found = judged(put_in, forged, third)

    assert found == [("seal_changed", 6, 8, 2), ("unknown_key", 1, 5, 1)]


def test_neighbours_with_one_fault_are_one_finding() -> None:
    """With two faults they are two, and so are two groups of one fault."""
    comparison = Comparison()
    for fault, number in ((Fault.REMOVED, 1), (Fault.REMOVED, 3), (Fault.REMOVED, 4), (Fault.ADDED, 5)):
        comparison.add(fault, number)

    found = [(each.fault.value, each.first, each.last) for each in comparison.findings()]

    assert found == [("removed", 1, 1), ("removed", 3, 4), ("added", 5, 5)]
