"""Pages of the audit log: where one ends, and what an entry that can't be read looks like."""

from dataclasses import replace
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from house import House

from keyturn.core import audit
from keyturn.core.audit import SKEW_MS, WINDOW
from keyturn.core.audit_chain import Chain
from keyturn.core.audit_check import verify
from keyturn.core.model import AuditEvent, AuditKind, Origin, Seal
from keyturn.core.ports import AuditFilter
from keyturn.core.sealing import START
from keyturn.tokens.base64url import encode
from keyturn.tokens.master_key import parse_master_keys
from sealed_log import Log

HOUR_MS = 3_600_000


async def written(house: House, *hours: float) -> list[int]:
    """Write an entry at each of these hours from now, after those that are there; return their numbers."""
    before = (await house.services.store.audit_seals.extent()).last
    at = [house.now_ms + int(hour * HOUR_MS) for hour in hours]
    events = [AuditEvent(at_ms=at_ms, kind=AuditKind.LOGIN_REFUSED, sub="sub", origin=Origin()) for at_ms in at]
    await house.services.store.audit.append(events)
    return [before + place for place in range(1, len(hours) + 1)]


async def pages(house: House, wanted: AuditFilter, most: int) -> list[list[int]]:
    """Return the numbers on every page."""
    found, before = [], None
    while True:
        page = await audit.read_page(house.services, wanted, before=before, most=most)
        found.append([entry.number for entry in page.entries])
        before = page.before
        if before is None:
            return found


async def test_pages_follow_each_other_down_to_the_first_entry(house: House) -> None:
    """Without a gap and without an entry twice."""
    last = (await written(house, 0, 1, 2, 3))[-1]
    assert [number for page in await pages(house, AuditFilter(), 3) for number in page] == list(range(last, 0, -1))


async def test_pages_end_where_all_that_follows_is_too_old(house: House) -> None:
    """Not at the first entry that is: clocks may have differed by an hour, and entries come by their numbers."""
    first, *_, last = await written(house, 10, 10, 10, 10, 20, 20, 20)
    since = AuditFilter(sub="sub", since_ms=house.now_ms + 20 * HOUR_MS)
    assert await pages(house, since, 3) == [[last, last - 1, last - 2]]
    just = replace(since, since_ms=house.now_ms + 10 * HOUR_MS + SKEW_MS)
    assert await pages(house, just, 3) == [[last, last - 1, last - 2], []]
    assert (await pages(house, replace(since, since_ms=house.now_ms + 10 * HOUR_MS), 7))[0][-1] == first


async def test_pages_that_ask_from_a_time_on_go_down_to_the_first_entry(house: House) -> None:
    """Where it is young enough, the very first one is on a page, whatever the pages' size."""
    log = Log(house.services, house.now_ms)
    *_, last = await written(house, 10, 10, 10)
    await log.sql("UPDATE audit SET at_ms = (SELECT MAX(at_ms) FROM audit)")
    for most in (1, 2, last - 1):
        found = await pages(house, AuditFilter(since_ms=house.now_ms), most)
        assert [number for page in found for number in page] == list(range(last, 0, -1))


async def test_pages_end_where_nothing_is_left_below(house: House) -> None:
    """Although the numbers go on: the oldest entries are removed in the end."""
    log = Log(house.services, house.now_ms)
    *_, last = await written(house, 10, 10, 10)
    await log.sql(f"DELETE FROM audit WHERE number < {last}")
    assert await pages(house, AuditFilter(since_ms=house.now_ms), 1) == [[last]]


@pytest.mark.parametrize("counter", [0, -1, 2**62, 2**63 - 1])
async def test_what_is_there_is_found_whatever_the_counter_says(house: House, counter: int) -> None:
    """It may have been set back, to hide what is above, or ahead, to let nobody come to an end."""
    log = Log(house.services, house.now_ms)
    last = (await written(house, 1, 2))[-1]
    await log.sql(f"UPDATE audit_sequence SET last = {counter}")
    assert await pages(house, AuditFilter(), last) == [list(range(last, 0, -1))]


async def test_an_entry_without_a_number_hides_no_other(house: House) -> None:
    """It has no place on a page, and takes none."""
    log = Log(house.services, house.now_ms)
    last = (await written(house, 1, 2))[-1]
    columns = "at_ms, kind, sub, sid, reason, actor, address, browser, request_id, details"
    for number in ("0.5", f"{last}.5", "'x'"):
        await log.sql(f"INSERT INTO audit SELECT {number}, {columns} FROM audit WHERE number = 1")
    assert [number for page in await pages(house, AuditFilter(), 1) for number in page] == list(range(last, 0, -1))


async def test_a_page_looks_through_so_many_entries_at_most(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says where to go on, though it found nothing."""
    assert (WINDOW, SKEW_MS) == (10_000, HOUR_MS)
    last = (await written(house, *[1] * 8))[-1]
    monkeypatch.setattr(audit, "WINDOW", 3)
    page = await audit.read_page(house.services, AuditFilter(sub="nobody"), before=None, most=5)
    assert (page.entries, page.before) == ([], last - 2)


@pytest.mark.parametrize(
    ("written", "details"),
    [
        ('{"n": 1}', {"n": 1}),
        ("", {"unreadable": ""}),
        ("{", {"unreadable": "{"}),
        ("[1]", {"unreadable": "[1]"}),
        ("5", {"unreadable": "5"}),
        ('{"n": NaN}', {"unreadable": '{"n": NaN}'}),
        ('{"n": 1e999}', {"unreadable": '{"n": 1e999}'}),
        ('{"n": "\\ud800"}', {"unreadable": '{"n": "\\ud800"}'}),
        ("\udcff", {"unreadable": "\\udcff"}),
        pytest.param("[" * 100_000, {"unreadable": "[" * 100_000}, id="deep"),
    ],
)
def test_what_can_not_be_read_is_shown_as_it_stands(written: str, details: dict[str, Any]) -> None:
    """Whoever changed it shall not hide it."""
    entry: Any = SimpleNamespace(details=written)
    assert audit.details_of(entry) == details


async def test_seals_that_go_while_they_are_read_end_the_reading(house: House) -> None:
    """A check that somebody works against comes to an end, with findings."""
    log = Log(house.services, house.now_ms)
    await log.write(3)
    await log.seal()
    seals: Any = SimpleNamespace(extent=house.services.store.audit_seals.extent, list_page=_nothing)
    store: Any = SimpleNamespace(audit=house.services.store.audit, audit_seals=seals)
    report = await verify(store, house.services.master_keys, now_ms=log.now_ms)
    assert report.head is None


def test_a_chain_that_begins_with_another_chain_s_end_is_a_changed_one() -> None:
    """Under a key that nobody here has: it is not forged, as nobody can tell, but the first seal follows nothing."""
    keys = parse_master_keys(encode(Random(3).randbytes(32)))
    chain = Chain(keys)
    seal = Seal(
        number=1, last=1, sealed_at_ms=0, previous=bytes(31) + b"x", digests=bytes(32), key_id=b"zzzz", mac=bytes(32)
    )
    chain.follow(seal)
    assert [finding.fault.value for finding in chain.findings] == ["seal_changed"]
    begun = Chain(keys)
    begun.follow(replace(seal, previous=START))
    assert begun.findings == []


async def _nothing(*_anything: object) -> list[Seal]:
    return []
