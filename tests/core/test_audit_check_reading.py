"""How ``keyturn audit verify`` reads the log: each page once, whatever the seals say, and so many entries at a time."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from keyturn import store as stores
from keyturn.core import audit_check
from keyturn.core.audit_check import verify
from keyturn.tokens.base64url import encode
from keyturn.tokens.master_key import parse_master_keys
from sealed_log import Log

BEGINNING = -(2**63)

KEYS = parse_master_keys(encode(Random(7).randbytes(32)))


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    """A log with three seals over twelve entries, 1 to 5, 6 to 8, 9 to 12, and three entries without one."""
    url = f"sqlite:///{tmp_path}/keyturn.db"
    await stores.upgrade(url)
    store = await stores.open_store(url)
    made = Log(SimpleNamespace(store=store, master_keys=KEYS))
    for count in (5, 3, 4):
        await made.write(count)
        await made.seal()
    await made.write(3)
    yield made
    await store.close()


class Reads:
    """A part of a store that notes from where it was read on."""

    def __init__(self, part: Any) -> None:
        self._part = part
        self.after: list[int] = []

    def __getattr__(self, name: str) -> Any:
        if name not in {"entries", "list_page"}:
            return getattr(self._part, name)
        return self._noting(getattr(self._part, name))

    def _noting(self, read: Any) -> Any:
        async def noted(after: int, most: int) -> Any:
            self.after.append(after)
            return await read(after, most)

        return noted


@pytest.mark.parametrize(
    ("page", "entries", "seals"),
    [
        (1000, [-1, 11, 14], [BEGINNING]),
        (5, [-1, 5, 10, 11, 14], [BEGINNING]),
        (2, [-1, 2, 4, 6, 8, 10, 11, 13, 14], [BEGINNING, 2]),
        (1, [-1, *range(1, 11), *range(11, 15)], [BEGINNING, 1, 2]),
    ],
)
async def test_each_page_is_read_once(
    log: Log, monkeypatch: pytest.MonkeyPatch, page: int, entries: list[int], seals: list[int]
) -> None:
    """Of entries and of seals, however they lie; behind the last seal it begins anew.

    A page of entries begins with the one that was read last: it may be there a second time.
    """
    monkeypatch.setattr(audit_check, "PAGE", page)
    monkeypatch.setattr(audit_check, "SEALS", page)
    read, read_seals = Reads(log.store.audit), Reads(log.store.audit_seals)
    store: Any = SimpleNamespace(audit=read, audit_seals=read_seals)

    report = await verify(store, KEYS, now_ms=log.now_ms)

    assert report.findings == ()
    assert read.after == entries
    assert read_seals.after == seals


@pytest.mark.parametrize("page", [1, 2, 3, 4, 5, 1000])
async def test_a_seal_that_goes_back_is_held_against_the_entries_it_names(
    log: Log, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Behind a changed seal nobody knows where the next one begins; the entries it names are there all the same."""
    monkeypatch.setattr(audit_check, "PAGE", page)
    for last in (8, 9, 10, 11):
        await log.sql(
            "UPDATE audit_seals SET mac = x'00' WHERE number = 2",
            f"UPDATE audit_seals SET last = {last} WHERE number = 3",
        )
        assert "removed" not in [finding.fault.value for finding in (await log.report()).findings]


async def test_what_is_remembered_of_removed_entries_is_bounded(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of as many as are remembered it is told where they went, of the next it is told that they are gone."""
    monkeypatch.setattr(audit_check, "MOST_CHANGED", 1)
    columns = "at_ms, kind, sub, sid, reason, actor, address, browser, request_id, details"
    await log.sql(
        f"UPDATE audit SET ({columns}) = (SELECT {columns} FROM audit WHERE number = 2) WHERE number = 5",
        "DELETE FROM audit WHERE number IN (1, 2)",
    )

    found = [(finding.fault.value, finding.first, finding.last) for finding in (await log.report()).findings]

    assert found == [("removed", 1, 2), ("changed", 5, 5)]


async def test_a_log_that_is_sealed_at_once_has_not_waited(log: Log) -> None:
    """The longest wait is that of an entry, in milliseconds; none is shorter than nothing."""
    assert (await log.report()).longest_wait_ms == 1000
    await log.sql("UPDATE audit SET at_ms = at_ms + 1000")
    assert (await log.report()).longest_wait_ms == 0
    await log.sql("UPDATE audit SET at_ms = at_ms + 1000")
    assert (await log.report()).longest_wait_ms == 0
    await log.sql("UPDATE audit SET at_ms = at_ms - 7001 WHERE number = 7")
    assert (await log.report()).longest_wait_ms == 6001
