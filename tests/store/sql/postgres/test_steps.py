"""How steps share connections: bounded, undone whole, retried after a deadlock, and nothing left for the next."""

import asyncio
from typing import Any

import postgres
import pytest

from keyturn.errors import TemporarilyUnavailable
from keyturn.store.sql.postgres import pool
from keyturn.store.sql.postgres.database import ATTEMPTS
from keyturn.store.sql.script import Abort, Script
from keyturn.store.sql.store import SqlStore


def moving(*jobs: str, then: list[asyncio.Event] | None = None) -> Script[str]:
    """Move the turn of each of *jobs*, one after the other."""
    for job in jobs:
        yield "UPDATE turns SET taken_at_ms = taken_at_ms + 1 WHERE job = :job", {"job": job}
        yield "SELECT pg_sleep(0.2)", {}
    return "moved"


def counting() -> Script[int]:
    """Add up what was moved."""
    ((total,),) = yield "SELECT sum(taken_at_ms)::bigint FROM turns", {}
    return int(total)


@pytest.fixture
async def jobs(store: SqlStore) -> SqlStore:
    """A store with two rows to lock."""
    for job in ("a", "b"):
        await store.turns.take(job, 1, 1)
    return store


async def test_a_deadlock_is_tried_again(jobs: SqlStore) -> None:
    """Two steps that lock two rows crosswise both happen, each once."""
    before = await jobs._connection.read(counting)
    crossing = (jobs._connection.write(moving, *order) for order in (("a", "b"), ("b", "a")))

    assert await asyncio.gather(*crossing) == ["moved", "moved"]
    assert await jobs._connection.read(counting) == before + 4


@pytest.mark.parametrize("code", ["40001", "40P01"])
async def test_tries_are_counted(jobs: SqlStore, code: str) -> None:
    """A step that is undone each time ends with the one error for it, and has changed nothing."""
    tries = 0

    def undone() -> Script[None]:
        nonlocal tries
        tries += 1
        yield "UPDATE turns SET taken_at_ms = 9", {}
        yield f"DO 'BEGIN RAISE EXCEPTION USING ERRCODE = ''{code}''; END'", {}

    before = await jobs._connection.read(counting)
    with pytest.raises(TemporarilyUnavailable):
        await jobs._connection.write(undone)

    assert tries == ATTEMPTS
    assert await jobs._connection.read(counting) == before


async def test_a_cancelled_step_leaves_nothing_behind(jobs: SqlStore) -> None:
    """It is undone whole, its locks are free, and the next step on any connection is in no transaction of it."""
    before = await jobs._connection.read(counting)
    for _ in range(2 * pool.SIZE):
        step = asyncio.create_task(jobs._connection.write(moving, "a", "b"))
        await asyncio.sleep(0.02)
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step

    assert await jobs._connection.write(moving, "a", "b") == "moved"
    assert await jobs._connection.read(counting) == before + 2
    assert jobs._connection._pool._places == pool.SIZE


async def test_a_failed_step_leaves_nothing_behind(jobs: SqlStore) -> None:
    """A mistake in the script itself undoes it, and reaches the caller as it is."""

    def broken(error: Exception) -> Script[None]:
        yield "UPDATE turns SET taken_at_ms = 99", {}
        raise error

    before = await jobs._connection.read(counting)
    for _ in range(2 * pool.SIZE):
        with pytest.raises(ZeroDivisionError):
            await jobs._connection.write(broken, ZeroDivisionError())
        assert await jobs._connection.write(broken, Abort("so")) == "so"
    assert await jobs._connection.read(counting) == before
    assert jobs._connection._pool._places == pool.SIZE


async def test_more_callers_than_connections_wait_their_turn(url: str, store: SqlStore) -> None:
    """Hundreds at once are served by so many connections and no more."""
    await asyncio.gather(*(store.ping() for _ in range(300)))

    database = url.rpartition("/")[2]
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND application_name = 'keyturn'"
    assert int(postgres.shared().sql(count.format(database))) <= pool.SIZE


async def test_a_full_queue_refuses_at_once(monkeypatch: pytest.MonkeyPatch, jobs: SqlStore) -> None:
    """Beyond a number nobody is made to wait; who waits already is served."""
    monkeypatch.setattr(pool, "QUEUE", 5)

    told = await asyncio.gather(*(jobs._connection.write(moving, "a") for _ in range(20)), return_exceptions=True)

    refused = [one.reason for one in told if isinstance(one, TemporarilyUnavailable)]
    assert refused == ["store: too many wait for a connection"] * 5
    assert told.count("moved") == 15


async def test_who_waits_too_long_is_refused(monkeypatch: pytest.MonkeyPatch, jobs: SqlStore) -> None:
    """A lock that somebody holds on to holds nobody up for ever, neither its waiters nor those behind them."""
    monkeypatch.setattr("keyturn.store.sql.postgres.database.STEP_SECONDS", 1.0)
    async with asyncio.timeout(30):
        holder = await jobs._connection._pool.acquire(asyncio.get_running_loop().time() + 5)
        await holder.execute("BEGIN; UPDATE turns SET taken_at_ms = 5")

        told = await asyncio.gather(*(jobs._connection.write(moving, "a") for _ in range(15)), return_exceptions=True)

    assert all(isinstance(one, TemporarilyUnavailable) for one in told)
    jobs._connection._pool.discard(holder)
    assert await jobs._connection.write(moving, "a") == "moved"


async def test_a_closed_store_refuses(url: str, store: SqlStore) -> None:
    """What was under way is finished first."""
    under_way = asyncio.create_task(store._connection.write(moving, "a"))
    await asyncio.sleep(0.05)
    await store.close()

    assert await under_way == "moved"
    with pytest.raises(TemporarilyUnavailable):
        await store.ping()


async def test_the_clock_is_the_databases(store: SqlStore, given: Any) -> None:
    """In epoch milliseconds, and it goes on within a step too."""
    ours = int(float(postgres.shared().sql("SELECT extract(epoch FROM clock_timestamp())")) * 1000)

    assert abs(await store.now_ms() - ours) < 60_000
