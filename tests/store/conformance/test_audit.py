"""`AuditLog`: numbered without gaps, in order, exactly as given."""

import asyncio
from typing import Any

from keyturn.core.model import AuditEvent, AuditKind
from keyturn.core.ports import Store


async def test_events_come_back_as_they_were_given(store: Store, given: Any) -> None:
    """Every field, hostile characters included, is kept as it is (A52)."""
    full = given.event(sub="u1", sid="sid-1", reason="a\r\nb\u2028\x1b[31m'\"; DROP TABLE audit; --")
    bare = AuditEvent(at_ms=1, kind=AuditKind.KEY_CREATED)

    await store.audit.append([full, bare])

    assert await store.audit.list_page(0, 10) == [(1, full), (2, bare)]


async def test_pages_go_on_behind_a_number(store: Store, given: Any) -> None:
    """A page holds up to so many events behind the number."""
    await store.audit.append([given.event(at_ms=n) for n in range(5)])

    pages = [await store.audit.list_page(after, 2) for after in (0, 2, 4, 5)]

    assert [[number for number, _ in page] for page in pages] == [[1, 2], [3, 4], [5], []]


async def test_numbers_have_no_gap_whoever_writes_at_once(store: Store, given: Any) -> None:
    """Parallel writers and steps that fail leave no hole: a chain over the log can rely on it (OPS-03)."""
    await store.users.add(given.user(), given.event())
    await asyncio.gather(
        *(store.audit.append([given.event()] * 3) for _ in range(10)),
        *(store.users.add(given.user(9, username_key="user1"), given.event()) for _ in range(10)),
    )

    assert [number for number, _ in await store.audit.list_page(0, 100)] == list(range(1, 32))


async def test_no_events_is_no_write(store: Store) -> None:
    """An empty list is fine."""
    await store.audit.append([])

    assert await store.audit.list_page(0, 10) == []
