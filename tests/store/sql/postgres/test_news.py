"""Whoever waits for news of the revocation log is woken by another process's commit, and by nothing that was undone."""

import asyncio
import time
from typing import Any

import postgres
import pytest

from keyturn.store import open_store
from keyturn.store.sql.postgres.database import LOOK_SECONDS
from keyturn.store.sql.store import SqlStore


@pytest.fixture
async def listening(store: SqlStore) -> SqlStore:
    """A store that listens already: the first wait ends when it does."""
    await store.revocations.wait_for_news(30)
    return store


async def test_a_commit_elsewhere_wakes(listening: SqlStore, url: str, given: Any) -> None:
    """Long before the time is up."""
    elsewhere = await open_store(url)
    waiting = asyncio.create_task(listening.revocations.wait_for_news(60))
    await asyncio.sleep(0.05)
    assert not waiting.done()

    await elsewhere.revocations.add(given.revoking(), given.event())
    async with asyncio.timeout(30):
        await waiting
    await elsewhere.close()


async def test_news_before_the_wait_are_not_lost(listening: SqlStore, given: Any) -> None:
    """Between a look and the next wait something may be appended."""
    await listening.revocations.add(given.revoking(), given.event())
    await asyncio.sleep(0.1)

    async with asyncio.timeout(30):
        await listening.revocations.wait_for_news(60)


async def test_without_news_the_time_runs_out(listening: SqlStore, given: Any) -> None:
    """Neither a ping, which is undone, nor a step that revokes nothing wakes anybody."""
    began = time.monotonic()
    waiting = asyncio.create_task(listening.revocations.wait_for_news(0.5))
    for _ in range(5):
        await listening.ping()
        await listening.audit.append([given.event()])
    await waiting

    assert time.monotonic() - began >= 0.5


async def test_behind_a_pooler_everybody_looks_for_themselves(url: str) -> None:
    """There a connection that listens would be given to somebody else after the statement."""
    store = await open_store(url, pooler="transaction")
    async with asyncio.timeout(30):
        await store.revocations.wait_for_news(60)
    await store.close()

    listeners = "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'listen%' AND datname = '{}'"
    assert postgres.shared().sql(listeners.format(url.rpartition("/")[2])) == "0"
    assert LOOK_SECONDS < 1
