"""Pruning goes in batches, and requests come first between two."""

from typing import Any

from keyturn.core.prune import BATCH, prune


class Part:
    """A table with so many rows that are over."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.asked = 0
        self.now: set[int] = set()

    async def prune(self, now: int, most: int) -> int:
        """Delete some."""
        self.asked += 1
        self.now.add(now)
        gone = min(self.rows, most)
        self.rows -= gone
        return gone


class Tables:
    """A store of four tables."""

    def __init__(self, *rows: int) -> None:
        self.sessions, self.revocations, self.rate_limits, self.used_tokens = map(Part, rows)


async def test_a_pause_lies_between_two_batches_and_nowhere_else() -> None:
    """A batch that was not full is the last of its table; every table has its turn."""
    tables: Any = Tables(2 * BATCH + 1, BATCH, 5, 0)
    pauses = 0

    async def pause() -> None:
        nonlocal pauses
        pauses += 1

    assert await prune(tables, now_ms=1_000, pause=pause) == 3 * BATCH + 6
    assert [tables.sessions.asked, tables.revocations.asked, tables.rate_limits.asked] == [3, 2, 1]
    assert tables.used_tokens.asked == 1
    assert pauses == 3


async def test_each_table_is_asked_by_its_own_clock() -> None:
    """Limits count milliseconds, all else counts seconds."""
    tables: Any = Tables(1, 1, 1, 1)

    async def pause() -> None:
        """Go on."""

    await prune(tables, now_ms=1_800_000_000_999, pause=pause)

    assert tables.rate_limits.now == {1_800_000_000_999}
    for table in (tables.sessions, tables.revocations, tables.used_tokens):
        assert table.now == {1_800_000_000}
