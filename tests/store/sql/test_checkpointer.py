"""The write-ahead log stays bounded under a load that never pauses, and the writer is not stopped for it."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from keyturn.store import open_store
from keyturn.store.sql.sqlite import checkpointer

MIB = 1024 * 1024


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of 2 MiB is too long, and it is looked at often."""
    monkeypatch.setattr(checkpointer, "LOG_LIMIT_PAGES", 512)
    monkeypatch.setattr(checkpointer, "EVERY_SECONDS", 0.02)


@pytest.fixture
def no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passive checkpoints alone."""
    monkeypatch.setattr(checkpointer, "LOG_LIMIT_PAGES", 10**9)
    monkeypatch.setattr(checkpointer, "EVERY_SECONDS", 0.02)


@pytest.mark.slow
async def test_the_log_stays_bounded_under_load(small_limit: None, store: Any, path: Path, given: Any) -> None:
    """However long the load, the log is a small part of what was written."""
    assert await log_after_load(store, path, given) < 12 * MIB


@pytest.mark.slow
async def test_passive_checkpoints_alone_would_not_bound_it(no_limit: None, store: Any, path: Path, given: Any) -> None:
    """The test above is able to fail: the same load without the limit makes the log grow with it."""
    assert await log_after_load(store, path, given) > 12 * MIB


async def log_after_load(store: Any, path: Path, given: Any) -> int:
    """Log in without pause, for some seconds and often enough; return the size of the log in bytes."""
    until = time.monotonic() + 1.5

    async def load(number: int) -> None:
        turn = 0
        while time.monotonic() < until or turn < 200:
            turn += 1
            await store.sessions.start(given.start(given.session(number * 10**6 + turn, sub=f"u{number}-{turn}")))

    await asyncio.gather(*(load(number) for number in range(32)))
    return size_of(path.with_name("keyturn.db-wal"))


def size_of(path: Path) -> int:
    """Return the file's size in bytes."""
    return path.stat().st_size


async def test_the_log_is_moved_while_nobody_closes(store: Any, path: Path, given: Any) -> None:
    """Soon after a write the database file itself holds it."""
    before = size_of(path)
    for number in range(200):
        await store.sessions.start(given.start(given.session(number, sub=f"u{number}")))
    deadline = time.monotonic() + 5

    await asyncio.to_thread(wait_for_growth, path, before, deadline)

    assert size_of(path) > before


def wait_for_growth(path: Path, before: int, deadline: float) -> None:
    """Return once the file is larger, or the deadline has passed."""
    while size_of(path) <= before and time.monotonic() < deadline:
        time.sleep(0.02)


async def test_an_old_reader_stops_neither_writes_nor_the_close(
    url: str, path: Path, given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's long transaction keeps the log from starting over, and nothing more."""
    monkeypatch.setattr(checkpointer, "LOG_LIMIT_PAGES", 1)
    monkeypatch.setattr(checkpointer, "EVERY_SECONDS", 0.01)
    store = await open_store(url)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM users").fetchall()
        for number in range(20):
            await store.sessions.start(given.start(given.session(number)))
        await store.close()

    again = await open_store(url)
    assert len(await again.sessions.list_live("u1", given.now)) == 20
    await again.close()
