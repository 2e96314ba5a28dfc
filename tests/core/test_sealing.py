"""The rule of seals: what a digest says of an entry, and what a seal says of all before it."""

from dataclasses import fields, replace
from hashlib import sha256
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.core.model import AuditEntry, Seal
from keyturn.core.sealing import (
    DIGEST_BYTES,
    GONE,
    START,
    Maker,
    digest_in,
    digest_of,
    first_of,
    hash_of,
    maker_of,
    seal_entries,
)
from keyturn.tokens.base64url import encode
from keyturn.tokens.master_key import MasterKeys, parse_master_keys

ENTRY = AuditEntry(
    number=7,
    at_ms=1_800_000_000_123,
    kind="login",
    sub="u1",
    sid="s1",
    reason="because",
    actor="peer",
    address="192.0.2.7",
    browser="Firefox",
    request_id="r-1",
    details='{"n": 1}',
)

COLUMNS = [field.name for field in fields(AuditEntry) if field.name != "number"]

texts = st.text(alphabet=st.characters(exclude_characters="\0"), max_size=8)
entries = st.builds(
    AuditEntry,
    number=st.just(1),
    at_ms=st.integers(min_value=-(2**63), max_value=2**63 - 1),
    **dict.fromkeys(["sub", "sid"], st.none() | texts),
    **dict.fromkeys(["kind", "reason", "actor", "address", "browser", "request_id", "details"], texts),
)


def sealed(keys: MasterKeys, *batches: int) -> list[Seal]:
    """Return a chain of seals, each over so many entries."""
    chain: list[Seal] = []
    for size in batches:
        after = chain[-1].last if chain else 0
        chain.append(
            seal_entries(
                [replace(ENTRY, number=number) for number in range(after + 1, after + size + 1)],
                number=len(chain) + 1,
                after=after,
                upto=after + size,
                previous=hash_of(chain[-1]) if chain else START,
                key=keys.current,
                now_ms=1_800_000_001_000,
            )
        )
    return chain


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_counts(name: str) -> None:
    """OPS-03: another value in any column of an entry is another digest; so is none instead of an empty one."""
    value = getattr(ENTRY, name)
    others: list[Any] = [value + 1] if isinstance(value, int) else [f"{value} ", value[1:], value.upper(), ""]
    if name in {"sub", "sid"}:
        others.append(None)

    digests = {digest_of(replace(ENTRY, **{name: other})) for other in [*others, value]}

    assert len(digests) == len({*others, value})


def test_the_number_is_said_by_the_place() -> None:
    """So an entry that was moved is known by its digest, wherever it is now."""
    assert digest_of(ENTRY) == digest_of(replace(ENTRY, number=8))


def test_text_may_not_wander_between_columns() -> None:
    """What one column loses and the next gains is not the same entry."""
    assert len({digest_of(replace(ENTRY, actor=a, address=b)) for a, b in (("ab", "c"), ("a", "bc"), ("abc", ""))}) == 3
    assert digest_of(replace(ENTRY, sub=None, sid="x")) != digest_of(replace(ENTRY, sub="x", sid=None))


@given(entries, entries)
def test_only_equal_entries_have_equal_digests(one: AuditEntry, other: AuditEntry) -> None:
    """For entries made up at random, hostile characters included."""
    assert (digest_of(one) == digest_of(other)) == (one == other)


def test_lone_surrogates_have_a_digest_too() -> None:
    """What no database keeps must not stop the sealing."""
    assert digest_of(replace(ENTRY, reason="\ud800")) != digest_of(replace(ENTRY, reason="\udfff"))


def test_a_seal_holds_each_digest_at_its_place(master_keys: MasterKeys) -> None:
    """And zeros where an entry is gone."""
    there = [replace(ENTRY, number=number, at_ms=number) for number in (4, 5, 7)]
    seal = seal_entries(there, number=2, after=3, upto=8, previous=START, key=master_keys.current, now_ms=1)

    assert (first_of(seal), seal.last) == (4, 8)
    assert [digest_in(seal, number) for number in range(4, 9)] == [
        digest_of(there[0]),
        digest_of(there[1]),
        GONE,
        digest_of(there[2]),
        GONE,
    ]


def test_each_seal_follows_the_one_before(master_keys: MasterKeys) -> None:
    """By the hash of all that it says, its MAC included."""
    chain = sealed(master_keys, 1, 2, 0, 3)

    assert chain[0].previous == START
    assert all(after.previous == hash_of(before) for before, after in pairwise(chain))
    assert len({hash_of(seal) for seal in chain}) == 4


TWISTS: dict[str, Any] = {
    "number": 9,
    "last": 9,
    "sealed_at_ms": 9,
    "previous": b"\1" * DIGEST_BYTES,
    "digests": b"\1" * DIGEST_BYTES,
    "mac": b"\1" * 32,
}


@pytest.mark.parametrize("name", TWISTS)
def test_a_seal_that_was_changed_is_forged(master_keys: MasterKeys, name: str) -> None:
    """Whatever of it was changed; and the hash that the next one has is another."""
    (seal,) = sealed(master_keys, 1)
    twisted = replace(seal, **{name: TWISTS[name]})

    assert maker_of(seal, master_keys) is Maker.OURS
    assert maker_of(twisted, master_keys) is Maker.FORGED
    assert hash_of(twisted) != hash_of(seal)


def test_a_seal_of_another_key_is_not_ours(master_keys: MasterKeys) -> None:
    """Under its own id it is unknown, under one of ours forged."""
    stranger = parse_master_keys(encode(Random(11).randbytes(32)))
    (seal,) = sealed(stranger, 1)

    assert maker_of(seal, master_keys) is Maker.UNKNOWN_KEY
    assert maker_of(replace(seal, key_id=master_keys.current.key_id), master_keys) is Maker.FORGED


def test_an_older_master_key_of_the_list_is_ours(master_keys: MasterKeys) -> None:
    """While the master key rotates."""
    (seal,) = sealed(MasterKeys(master_keys.keys[::-1]), 1)

    assert seal.key_id == master_keys.keys[1].key_id
    assert maker_of(seal, master_keys) is Maker.OURS


def test_digest_and_hash_stay_what_they_are(master_keys: MasterKeys) -> None:
    """A release that computed them in another way would find every log changed: here they are, byte by byte."""
    texts = [b"login", b"u1", b"s1", b"because", b"peer", b"192.0.2.7", b"Firefox", b"r-1", b'{"n": 1}']
    written = b"i" + (13).to_bytes(8) + b"1800000000123" + b"".join(b"t" + len(t).to_bytes(8) + t for t in texts)
    digest = sha256(b"keyturn 1 audit entry\0" + written).digest()
    assert digest_of(ENTRY) == digest
    assert (
        digest_of(replace(ENTRY, sub=None))
        == sha256(b"keyturn 1 audit entry\0" + written.replace(b"t" + (2).to_bytes(8) + b"u1", b"-", 1)).digest()
    )

    (seal,) = sealed(master_keys, 1)
    numbers = b"".join(b"i" + len(n).to_bytes(8) + n for n in (b"1", b"1", b"1800000001000"))
    values = b"".join(b"b" + len(v).to_bytes(8) + v for v in (bytes(32), master_keys.current.key_id, digest))
    content = b"keyturn 1 audit seal\0" + numbers + values
    assert hash_of(seal) == sha256(content + b"b" + (32).to_bytes(8) + seal.mac).digest()
