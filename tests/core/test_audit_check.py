"""``keyturn audit verify``: whatever is done to the log is found and named, and nothing else is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from shutil import copy
from types import SimpleNamespace
from typing import Any

import pytest

from keyturn import store as stores
from keyturn.core import audit_check
from keyturn.core.audit_check import verify
from keyturn.core.sealer import head_of
from keyturn.core.sealing import hash_of, seal_entries
from keyturn.tokens.base64url import encode
from keyturn.tokens.master_key import parse_master_keys
from sealed_log import Log

KEYS = parse_master_keys(encode(Random(7).randbytes(32)))

NO_TEXT = "CAST(x'ff41' AS TEXT)"  # no UTF-8

COLUMNS = ("at_ms", "kind", "sub", "sid", "reason", "actor", "address", "browser", "request_id", "details")


SEAL_COLUMNS = ("last", "sealed_at_ms", "previous", "digests", "key_id", "mac")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with three seals over twelve entries: 1 to 5, 6 to 8, 9 to 12. Each test has a copy."""
    path = tmp_path_factory.mktemp("sealed") / "keyturn.db"

    async def make() -> None:
        await stores.upgrade(f"sqlite:///{path}")
        async with opened(path) as log:
            for count in (5, 3, 4):
                await log.write(count)
                await log.seal()

    asyncio.run(make())
    return path


@pytest.fixture
async def log(sealed: Path, tmp_path: Path) -> AsyncIterator[Log]:
    """Its log, three seconds later."""
    copy(sealed, tmp_path)
    async with opened(tmp_path / sealed.name) as made:
        made.later(3)
        yield made


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Log]:
    """Open the log of a database."""
    store = await stores.open_store(f"sqlite:///{path}")
    yield Log(SimpleNamespace(store=store, master_keys=KEYS))
    await store.close()


async def found(log: Log, *expected: str) -> list[tuple[str, int, int]]:
    """Return what is wrong, with the entries that it concerns."""
    report = await log.report(*expected)
    return [(finding.fault.value, finding.first, finding.last) for finding in report.findings]


async def test_a_log_that_nobody_touched_is_good(log: Log) -> None:
    """And what stands for it all is told, which is the hash of the newest seal."""
    report = await log.report()

    assert report.findings == ()
    assert (report.entries, report.sealed) == (12, 12)
    assert report.head == head_of((await log.seals())[-1]) == f"12:{hash_of((await log.seals())[-1]).hex()}"
    assert report.longest_wait_ms == 1000


async def test_an_empty_log_is_good(log: Log) -> None:
    """There is nothing to say of it."""
    await log.sql("DELETE FROM audit", "UPDATE audit_sequence SET last = 0", "DELETE FROM audit_seals")

    report = await log.report()

    assert (report.entries, report.sealed, report.head, report.findings) == (0, 0, None, ())
    assert report.longest_wait_ms == 0


@pytest.mark.parametrize("column", COLUMNS)
async def test_a_change_of_any_column_is_found(log: Log, column: str) -> None:
    """Of the first entry, of one in the middle, of the last one."""
    value = "at_ms + 1" if column == "at_ms" else f"COALESCE({column}, '') || ' '"
    await log.sql(f"UPDATE audit SET {column} = {value} WHERE number IN (1, 7, 12)")

    assert await found(log) == [("changed", 1, 1), ("changed", 7, 7), ("changed", 12, 12)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("sub", "NULL"), ("sub", "''"), ("kind", "'nothing'"), ("details", "'nothing'"), ("reason", "x'00'"),
        ("at_ms", "'soon'"), ("at_ms", "at_ms + 0.5"), ("reason", "CAST(reason AS BLOB)"), ("browser", "''"),
        ("kind", NO_TEXT), ("sub", NO_TEXT), ("reason", NO_TEXT), ("details", NO_TEXT), ("at_ms", NO_TEXT),
    ],
)  # fmt: skip
async def test_odd_values_are_changes_too(log: Log, column: str, value: str) -> None:
    """Of any type, and such as no event has: they end nothing, and are found."""
    await log.sql(f"UPDATE audit SET {column} = {value} WHERE number = 7")

    assert await found(log) == [("changed", 7, 7)]


@pytest.mark.parametrize(("first", "last"), [(1, 1), (7, 7), (5, 6), (12, 12), (2, 11), (1, 12)])
async def test_what_was_removed_is_found(log: Log, first: int, last: int) -> None:
    """The first entry, one in the middle, the last one, many, all."""
    await log.sql(f"DELETE FROM audit WHERE number BETWEEN {first} AND {last}")

    assert await found(log) == [("removed", first, last)]


@pytest.mark.parametrize(("one", "other"), [(6, 7), (1, 12), (8, 9)])
async def test_entries_that_changed_places_are_found(log: Log, one: int, other: int) -> None:
    """Neighbours, those of one seal, those of two; and what each of them was is told."""
    await log.sql(
        f"UPDATE audit SET number = -1 WHERE number = {one}",
        f"UPDATE audit SET number = {one} WHERE number = {other}",
        f"UPDATE audit SET number = {other} WHERE number = -1",
    )

    findings = (await log.report()).findings

    assert [(f.fault, f.first, f.moved_from) for f in findings] == [("moved", one, other), ("moved", other, one)]


async def test_a_log_in_another_order_is_found(log: Log) -> None:
    """Each entry moved on by one, the last to the front."""
    await log.sql("UPDATE audit SET number = -number", "UPDATE audit SET number = 1 - number % 12 WHERE number < 0")

    findings = (await log.report()).findings

    assert {f.fault for f in findings} == {"moved"}
    assert len(findings) == 12


async def test_entries_after_a_removed_one_that_moved_up_are_found(log: Log) -> None:
    """As if there never had been a gap."""
    await log.sql(
        "DELETE FROM audit WHERE number = 7",
        "UPDATE audit SET number = -number WHERE number > 7",
        "UPDATE audit SET number = -number - 1 WHERE number < 0",
        "UPDATE audit_sequence SET last = 11",
    )

    assert await found(log) == [*[("moved", n, n) for n in range(7, 12)], ("removed", 12, 12)]


@pytest.mark.parametrize("number", ["7.5", "12.5", "0.5", "'x'", "x'01'", "1e300", NO_TEXT])
@pytest.mark.parametrize("size", [2, 4, 1000])
async def test_what_was_added_without_a_number_is_found(
    log: Log, monkeypatch: pytest.MonkeyPatch, number: str, size: int
) -> None:
    """It has no place in the order, so it is told as -1; and no other entry is accused, wherever a page ends."""
    monkeypatch.setattr(audit_check, "PAGE", size)
    await log.sql(f"INSERT INTO audit SELECT {number}, {', '.join(COLUMNS)} FROM audit WHERE number = 3")

    assert await found(log) == [("added", -1, -1)]
    await log.write(1)
    await log.seal()
    assert await found(log) == [("added", -1, -1)]


async def test_an_entry_whose_number_is_none_any_more_is_gone(log: Log) -> None:
    """Half a number further on it is no entry of the log."""
    await log.sql("UPDATE audit SET number = 7.5 WHERE number = 7")

    assert await found(log) == [("added", -1, -1), ("removed", 7, 7)]


@pytest.mark.parametrize("size", [2, 3, 1000])
@pytest.mark.parametrize("copy_of", [3, 12])
async def test_a_second_entry_with_a_number_is_found(
    log: Log, monkeypatch: pytest.MonkeyPatch, size: int, copy_of: int
) -> None:
    """Who writes the schema can let two have one, and hide the second behind the end of a page."""
    monkeypatch.setattr(audit_check, "PAGE", size)
    await log.sql(
        "CREATE TABLE open AS SELECT * FROM audit",
        f"INSERT INTO open SELECT {copy_of}, {', '.join(COLUMNS)} FROM audit WHERE number = 5",
        "DROP TABLE audit",
        "ALTER TABLE open RENAME TO audit",
        "CREATE INDEX by_number ON audit (number)",
    )

    assert await found(log) == [("added", copy_of, copy_of)]


@pytest.mark.parametrize("number", [0, -5, 13, 10**12])
async def test_what_was_added_is_found(log: Log, number: int) -> None:
    """With a number that was never given out: there is no other one to have."""
    await log.sql(f"INSERT INTO audit SELECT {number}, {', '.join(COLUMNS)} FROM audit WHERE number = 3")

    assert await found(log) == [("added", number, number)]


@pytest.mark.parametrize(
    ("change", "seals"),
    [
        ("last = last + 1", 2), ("sealed_at_ms = 1", 2), ("previous = x'00'", 2), ("previous = zeroblob(32)", 2),
        ("mac = x'00'", 2), ("mac = 'text'", 2), ("last = 'text'", 2), ("key_id = 7", 2), ("digests = x''", 2),
        ("digests = zeroblob(10)", 2), ("number = 99", 2), ("mac = x'00'", 3), ("mac = x'00'", 1), ("last = 1", 1),
        (f"mac = {NO_TEXT}", 2), (f"last = {NO_TEXT}", 3), ("sealed_at_ms = 9e999", 3),
        ("last = 9223372036854775807", 3), ("last = -9223372036854775808", 3),
    ],
)  # fmt: skip
async def test_a_change_of_a_seal_is_found(log: Log, change: str, seals: int) -> None:
    """Whatever of it, and whichever it is; and the seals beside it are not blamed."""
    await log.sql(f"UPDATE audit_seals SET {change} WHERE number = {seals}")

    findings = (await log.report()).findings

    blamed = {f.seal for f in findings if f.fault in {"seal_changed", "seal_removed"}}
    assert seals in blamed
    assert blamed <= {seals, 4, 99}  # the last two, where it was renamed to 99


@pytest.mark.parametrize("number", ["-3", "0", "2.5", "3.5", "'x'", "x'01'", NO_TEXT])
@pytest.mark.parametrize("size", [1, 2, 1000])
async def test_a_seal_that_was_added_hides_no_other(
    log: Log, monkeypatch: pytest.MonkeyPatch, number: str, size: int
) -> None:
    """One with a number that is none stands before or behind all others: those are judged, and go on, as before."""
    monkeypatch.setattr(audit_check, "SEALS", size)
    await log.sql(
        f"INSERT INTO audit_seals SELECT {number}, {', '.join(SEAL_COLUMNS)} FROM audit_seals WHERE number = 3",
        "UPDATE audit SET reason = '' WHERE number = 7",
    )

    assert ("changed", 7, 7) in await found(log)
    await log.write(1)
    assert await log.seal() == []
    report = await log.report()
    assert (report.entries, report.sealed) == (13, 13)
    assert {fault for fault, _, _ in await found(log)} <= {"changed", "seal_changed", "seal_removed"}


async def test_a_seal_with_a_number_that_is_none_is_found(log: Log) -> None:
    """It is told as -1."""
    await log.sql(
        f"INSERT INTO audit_seals SELECT 2.5, {', '.join(SEAL_COLUMNS)} FROM audit_seals WHERE number = 3",
    )

    assert [(f.fault, f.seal) for f in (await log.report()).findings] == [("seal_changed", -1)]


async def test_a_seal_whose_end_is_nowhere_ends_nothing(log: Log) -> None:
    """Where the seal before it is gone too, no other one says where its entries begin; it is not looked for there."""
    await log.sql(
        "DELETE FROM audit_seals WHERE number = 2",
        "UPDATE audit_seals SET last = -9223372036854775808 WHERE number = 3",
    )

    assert {fault for fault, _, _ in await found(log)} == {"seal_changed", "seal_removed"}
    await log.write(1)
    await asyncio.wait_for(log.seal(), 5)
    assert (await log.report()).sealed == 13


@pytest.mark.parametrize(("number", "first", "last"), [(1, 1, 5), (2, 6, 8)])
async def test_a_seal_that_was_removed_is_found(log: Log, number: int, first: int, last: int) -> None:
    """With the entries over which there is none now; all others are judged as before."""
    await log.sql(f"DELETE FROM audit_seals WHERE number = {number}", "UPDATE audit SET reason = '' WHERE number = 9")

    assert await found(log) == [("seal_removed", first, last), ("changed", 9, 9)]


@pytest.mark.parametrize("seals", ["number = 3", "number > 1", "number > 0"])
async def test_seals_cut_off_the_end_are_found_by_the_clock_or_a_head(log: Log, seals: str) -> None:
    """No server leaves an entry without a seal for a minute; and whoever noted the head knows at once."""
    head = (await log.report()).head
    assert head is not None
    await log.sql(f"DELETE FROM audit_seals WHERE {seals}")

    assert ("not_as_expected", 1, 12) in await found(log, head)
    log.later(61)
    assert [fault for fault, _, _ in await found(log)] == ["not_sealed"]


@pytest.mark.parametrize("seals", ["number = 3", "number > 0"])
async def test_entries_that_are_sealed_a_second_time_are_found_by_a_head(log: Log, seals: str) -> None:
    """A server that starts can't know what its forerunner had sealed: it seals what is there; the long wait is told."""
    head = (await log.report()).head
    assert head is not None
    await log.sql(f"DELETE FROM audit_seals WHERE {seals}", "UPDATE audit SET reason = '' WHERE number = 12")
    log.later(3600)
    started = Log(log.services, log.now_ms)
    assert await started.seal() == []

    assert await found(log) == []
    assert (await log.report()).longest_wait_ms > 3_600_000
    assert await found(log, head) == [("not_as_expected", 1, 12)]


async def test_a_log_cut_off_whole_is_found_by_a_head(log: Log) -> None:
    """Entries, seals and counter alike: what is left was true once, so only a note kept elsewhere tells."""
    heads = [head_of(seal) for seal in await log.seals()]
    await log.sql(
        "DELETE FROM audit WHERE number > 8",
        "DELETE FROM audit_seals WHERE number > 2",
        "UPDATE audit_sequence SET last = 8",
    )

    assert await found(log) == []
    assert await found(log, *heads[:2]) == []
    assert await found(log, heads[2]) == [("not_as_expected", 1, 12)]
    await log.write(4)
    await log.seal()
    assert await found(log) == []
    assert await found(log, *heads) == [("not_as_expected", 1, 12)]


async def test_a_counter_that_was_set_back_or_is_gone_is_found(log: Log) -> None:
    """The entries beyond it have no number that was given out."""
    await log.sql("UPDATE audit_sequence SET last = 10")
    assert await found(log) == [("added", 11, 12)]

    await log.sql("DELETE FROM audit_sequence")
    assert await found(log) == [("added", 1, 12)]


@pytest.mark.parametrize("counter", ["'x'", "x'01'", NO_TEXT])
async def test_a_counter_that_counts_nothing_is_found(log: Log, counter: str) -> None:
    """No number was given out by what is none."""
    await log.sql(f"UPDATE audit_sequence SET last = {counter}")

    assert await found(log) == [("added", 1, 12)]


async def test_the_least_of_two_counters_counts(log: Log) -> None:
    """A second one would hide that the first was set back."""
    await log.sql("INSERT INTO audit_sequence VALUES (10)")

    assert await found(log) == [("added", 11, 12)]


async def test_a_counter_far_ahead_ends_in_a_finding(log: Log) -> None:
    """And not in a search through numbers without end."""
    await log.sql("UPDATE audit_sequence SET last = 1000000000000000000")

    assert await asyncio.wait_for(found(log), 5) == [("removed", 13, 10**18)]


async def test_an_unsealed_entry_may_wait_a_minute(log: Log) -> None:
    """A server seals each second; beyond a minute none runs, or somebody keeps it from sealing."""
    await log.write(2)
    log.later(60)
    assert await found(log) == []

    log.later(0.001)
    assert await found(log) == [("not_sealed", 13, 14)]

    await log.sql(f"UPDATE audit SET at_ms = {2**62} WHERE number = 13")
    assert await found(log) == [("not_sealed", 13, 14)]


async def test_an_unsealed_entry_that_is_missing_is_found(log: Log) -> None:
    """The newest one too: the counter knows of it."""
    await log.write(4)
    await log.sql("DELETE FROM audit WHERE number IN (14, 16)")

    assert await found(log) == [("removed", 14, 14), ("removed", 16, 16)]


async def test_the_first_entry_is_missed_before_there_is_any_seal(log: Log) -> None:
    """The counter says that there was one."""
    await log.sql("DELETE FROM audit_seals", "DELETE FROM audit WHERE number = 1")

    assert await found(log) == [("removed", 1, 1)]


async def test_a_chain_made_anew_by_who_has_no_master_key_is_found(log: Log) -> None:
    """They change an entry, and make every digest, hash and seal fit: the MACs don't, whatever key they name."""
    stranger = parse_master_keys(encode(Random(8).randbytes(32))).current
    ours = log.services.master_keys.current.key_id
    await log.sql("UPDATE audit SET reason = 'nothing' WHERE number = 7")
    for key_id, fault in ((stranger.key_id, "unknown_key"), (ours, "seal_changed")):
        await log.sql("DELETE FROM audit_seals")
        previous, after = bytes(32), 0
        for number, upto in ((1, 5), (2, 8), (3, 12)):
            entries = await log.store.audit.entries(after, upto - after)
            seal = seal_entries(
                entries, number=number, after=after, upto=upto, previous=previous, key=stranger, now_ms=log.now_ms
            )
            seal = replace(seal, key_id=key_id)
            await log.store.audit_seals.add(seal)
            previous, after = hash_of(seal), upto

        assert {name for name, _, _ in await found(log)} == {fault}


async def test_seals_of_another_installation_do_not_fit(log: Log) -> None:
    """Not even where it has the same master key: a seal follows one other, and no second one."""
    alike = seal_entries(
        await log.store.audit.entries(5, 3),
        number=2,
        after=5,
        upto=8,
        previous=bytes(range(32)),
        key=log.services.master_keys.current,
        now_ms=log.now_ms,
    )
    await log.sql("DELETE FROM audit_seals WHERE number = 2")
    await log.store.audit_seals.add(alike)

    assert [fault for fault, _, _ in await found(log)] == ["seal_changed", "seal_changed"]


async def test_a_seal_that_leaves_entries_out_is_found(log: Log) -> None:
    """Even one of ours that follows the one before: no entry is without a seal that is behind others with one."""
    first, second, third = await log.seals()
    short = seal_entries(
        await log.store.audit.entries(6, 2),
        number=2,
        after=6,
        upto=8,
        previous=hash_of(first),
        key=KEYS.current,
        now_ms=second.sealed_at_ms,
    )
    after = seal_entries(
        await log.store.audit.entries(8, 4),
        number=3,
        after=8,
        upto=12,
        previous=hash_of(short),
        key=KEYS.current,
        now_ms=third.sealed_at_ms,
    )
    await log.sql("DELETE FROM audit_seals WHERE number > 1")
    for seal in (short, after):
        await log.store.audit_seals.add(seal)

    assert await found(log) == [("seal_changed", 7, 8)]


async def test_a_head_vouches_for_seals_of_a_key_that_is_gone(log: Log) -> None:
    """Who noted what stood for the log needs no key to know it again."""
    head = (await log.report()).head
    assert head is not None
    stranger = parse_master_keys(encode(Random(8).randbytes(32)))

    async def faults(*expected: str) -> list[str]:
        report = await verify(log.store, stranger, now_ms=log.now_ms, expected=expected)
        return [finding.fault.value for finding in report.findings]

    assert await faults() == ["unknown_key"]
    assert await faults(head) == []
    await log.sql("UPDATE audit SET reason = '' WHERE number = 7")
    assert await faults(head) == ["changed"]
    await log.sql("UPDATE audit_seals SET sealed_at_ms = 1 WHERE number = 2")
    assert "unknown_key" in await faults(head)


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
async def test_the_size_of_a_page_makes_no_difference(log: Log, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Neither of entries nor of seals."""
    monkeypatch.setattr(audit_check, "PAGE", size)
    monkeypatch.setattr(audit_check, "SEALS", size)
    await log.write(3)
    assert await found(log) == []

    await log.sql(
        "UPDATE audit SET reason = '' WHERE number IN (1, 6, 12)", "DELETE FROM audit WHERE number IN (8, 14)"
    )

    assert await found(log) == [
        ("changed", 1, 1),
        ("changed", 6, 6),
        ("removed", 8, 8),
        ("changed", 12, 12),
        ("removed", 14, 14),
    ]


async def test_very_many_changes_are_ranges(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of them is bounded."""
    monkeypatch.setattr(audit_check, "MOST_CHANGED", 2)
    await log.sql("UPDATE audit SET reason = ''")

    assert await found(log) == [("changed", 1, 1), ("changed", 2, 2), ("changed", 3, 12)]


async def test_whoever_writes_meanwhile_changes_no_verdict(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries and seals that come while it looks are left for the next time: what is found is there."""
    monkeypatch.setattr(audit_check, "PAGE", 3)
    monkeypatch.setattr(audit_check, "SEALS", 1)
    over = asyncio.Event()

    async def go_on() -> None:
        while not over.is_set():
            await log.write(3)
            await log.seal()

    writing = asyncio.create_task(go_on())
    try:
        while await log.last() < 30:
            assert await found(log) == []
    finally:
        over.set()
        await writing


async def test_the_progress_is_told(log: Log) -> None:
    """How far it is, and how far it has to go."""
    told: list[Any] = []
    await verify(log.store, log.services.master_keys, now_ms=log.now_ms, told=lambda done, of: told.append((done, of)))
    assert told == [(5, 12), (8, 12), (12, 12)]


@pytest.mark.parametrize("seed", range(8))
async def test_any_one_change_at_random_is_found(log: Log, seed: int) -> None:
    """Of whatever cell of whatever row of either table; and put back, the log is good again."""
    random = Random(seed)
    for _ in range(6):
        table, columns = random.choice(
            [
                ("audit", ("number", *COLUMNS)),
                ("audit_seals", ("number", *SEAL_COLUMNS)),
            ]
        )
        column, number = random.choice(columns), random.randint(1, 12 if table == "audit" else 3)
        await log.sql("DROP TABLE IF EXISTS kept", f"CREATE TABLE kept AS SELECT * FROM {table}")
        value = {"number": "number + 1000"}.get(column, f"CAST(COALESCE({column}, '') || '7' AS BLOB)")
        await log.sql(f"UPDATE {table} SET {column} = {value} WHERE number = {number}")
        if (table, column, number) == ("audit_seals", "number", 3):
            assert await found(log)  # a seal that was renamed
        assert await found(log), (table, column, number)
        await log.sql(f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM kept", "DROP TABLE kept")
        assert await found(log) == []


def test_keys_are_what_they_are_called() -> None:
    """The key of the seals is nobody else's: it is derived for this alone, and shown nowhere."""
    key = KEYS.current
    others = {key.refresh_token_key.secret, key.device_token_key.secret}
    assert key._audit_key not in others
    assert key._audit_key.hex() not in repr(key)
    assert repr(key._audit_key) not in repr(key)


async def test_entries_are_held_against_no_seal_that_does_not_fit(log: Log) -> None:
    """It says of itself which entries its digests are of; the same digests one further on accuse no entry."""
    await log.sql("UPDATE audit_seals SET last = last + 1 WHERE number = 2")

    assert {fault for fault, _, _ in await found(log)} == {"seal_changed"}
