"""`AuditSeals`: one of each number, and read as they were given; the chain over a log of any database."""

import asyncio
from dataclasses import replace
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from keyturn.core.model import Seal
from keyturn.core.ports import AuditFilter, Extent, Store
from keyturn.core.sealer import Sealer
from keyturn.tokens.base64url import encode
from keyturn.tokens.master_key import parse_master_keys
from sealed_log import Log

KEYS = parse_master_keys(encode(Random(7).randbytes(32)))

SEAL = Seal(
    number=1, last=2, sealed_at_ms=3, previous=bytes(32), digests=b"\x00\xff" * 32, key_id=b"\0key", mac=b"\xfe"
)


@pytest.fixture
def log(store: Store) -> Log:
    """The log of a fresh store."""
    return Log(SimpleNamespace(store=store, master_keys=KEYS))


async def test_a_seal_comes_back_as_it_was_given(store: Store) -> None:
    """Every byte of it."""
    assert await store.audit_seals.add(SEAL)
    assert await store.audit_seals.list_page(0, 10) == [SEAL]
    assert await store.audit_seals.list_page(1, 10) == []
    assert await store.audit_seals.extent() == Extent(last=0, seals=1, sealed=2)


async def test_there_is_one_seal_of_a_number(store: Store) -> None:
    """Of many that are added at once one is there, and nobody else is told so."""
    rivals = [replace(SEAL, mac=bytes([number])) for number in range(12)]

    added = await asyncio.gather(*(store.audit_seals.add(rival) for rival in rivals))

    assert added.count(True) == 1
    assert await store.audit_seals.list_page(0, 10) == [rivals[added.index(True)]]


async def test_what_is_not_sealed_is_read_at_one_moment(store: Store, given: Any) -> None:
    """While others write: every entry up to the newest number is there, so no seal ever covers a gap (OPS-03)."""
    over = asyncio.Event()
    seen: list[int] = []

    async def look() -> None:
        while not over.is_set():
            unsealed = await store.audit_seals.unsealed(0, 1000)
            assert [entry.number for entry in unsealed.entries] == list(range(1, unsealed.last + 1))
            seen.append(unsealed.last)

    async def write() -> None:
        for _ in range(10):
            await store.audit.append([given.event()] * 3)

    looking = asyncio.create_task(look())
    try:
        await asyncio.gather(*(write() for _ in range(8)))
    finally:
        over.set()
        await looking

    assert (await store.audit_seals.unsealed(0, 1000)).last == 240
    assert [entry.number for entry in (await store.audit_seals.unsealed(7, 3)).entries] == [8, 9, 10]
    assert (await store.audit_seals.unsealed(240, 5)).entries == []
    assert len(set(seen)) > 1


async def test_many_that_seal_while_others_write_make_one_chain(log: Log, given: Any) -> None:
    """However they come between each other, without turns too: nothing is found."""

    async def write() -> None:
        for _ in range(6):
            await log.write(2)

    async def seal() -> None:
        sealer = Sealer(log.services)
        for _ in range(6):
            await sealer._seal(await log.store.audit_seals.extent(), log.now_ms, log.pause)

    await asyncio.gather(*(write() for _ in range(3)), *(seal() for _ in range(4)))
    await seal()

    report = await log.report()
    assert (report.entries, report.sealed, report.findings) == (36, 36, ())


COLUMNS = {"kind": "'login'", "sub": "NULL", "sid": "'x'", "reason": "''", "actor": "'system'", "address": "'::1'",
           "browser": "''", "request_id": "''", "details": "'{}'", "at_ms": "at_ms + 1"}  # fmt: skip


async def test_whatever_is_done_to_the_log_is_found(log: Log) -> None:
    """Each column changed, entries removed and swapped, a seal changed and removed, on every database."""
    for _ in range(3):
        await log.write(len(COLUMNS))
        await log.seal()
    assert (await log.report()).findings == ()

    for number, (column, value) in enumerate(COLUMNS.items(), start=1):
        await log.sql(f"UPDATE audit SET {column} = {value} WHERE number = {number}")
    await log.sql("DELETE FROM audit WHERE number = 12")
    for number, moved in ((15, -1), (25, 15), (-1, 25)):
        await log.sql(f"UPDATE audit SET number = {moved} WHERE number = {number}")

    findings = [(finding.fault.value, finding.first) for finding in (await log.report()).findings]
    assert findings == [
        *(("changed", number) for number in range(1, 11)),
        ("removed", 12),
        ("moved", 15),
        ("moved", 25),
    ]

    await log.sql("UPDATE audit_seals SET sealed_at_ms = sealed_at_ms + 1 WHERE number = 1")
    await log.sql("DELETE FROM audit_seals WHERE number = 2")
    assert {"seal_changed", "seal_removed"} <= set(await log.faults())


async def test_entries_are_found_by_what_they_say(log: Log) -> None:
    """The newest first, within numbers and times, each filter by itself."""
    await log.write(5)
    log.later(10)
    await log.write(5)

    async def numbers(least: int = 1, before: int = 11, most: int = 10, **wanted: Any) -> list[int]:
        found = await log.store.audit.newest(AuditFilter(**wanted), least=least, before=before, most=most)
        return [entry.number for entry in found]

    assert await numbers() == list(range(10, 0, -1))
    assert await numbers(least=3, before=7) == [6, 5, 4, 3]
    assert await numbers(most=2) == [10, 9]
    assert await numbers(sub="sub-4") == await numbers(sid="sid-4") == [4]
    assert await numbers(kind="login_refused", most=1) == [10]
    assert await numbers(kind="login") == await numbers(sub="") == await numbers(sub="' OR 1=1 --") == []
    assert await numbers(since_ms=log.now_ms) == [10, 9, 8, 7, 6]
    assert await numbers(until_ms=log.now_ms) == [5, 4, 3, 2, 1]


async def test_numbers_that_were_not_given_out_are_told(log: Log) -> None:
    """There are none, unless somebody else writes."""
    await log.write(3)
    assert await log.store.audit.strays(10) == []

    await log.sql("UPDATE audit SET number = 0 WHERE number = 2", "UPDATE audit SET number = 9 WHERE number = 3")

    assert await log.store.audit.strays(10) == [0, 9]
    assert await log.store.audit.strays(1) == [0]
