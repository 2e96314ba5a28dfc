"""A server that is killed, stands still or turns read-only: a clear answer in bounded time, and recovery by itself."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import postgres
import pytest

from keyturn.errors import ConfigurationError, TemporarilyUnavailable
from keyturn.store import open_store, upgrade
from keyturn.store.sql.postgres.database import STEP_SECONDS
from keyturn.store.sql.store import SqlStore

RECOVERY_SECONDS = 5.0


async def recover(store: SqlStore) -> float:
    """Return after how many seconds the store takes reads and writes again."""
    began = time.monotonic()
    while time.monotonic() < began + 60:
        try:
            await store.ping()
        except TemporarilyUnavailable:
            await asyncio.sleep(0.05)
        else:
            return time.monotonic() - began
    raise AssertionError("the store did not recover")


async def ask(store: SqlStore) -> list[Any]:
    """Return what more callers than there are connections get to hear at once; half of them are merged."""
    steps = (store.sessions.find_with_user(b"nobody") if number % 2 else store.ping() for number in range(50))
    return await asyncio.gather(*steps, return_exceptions=True)


@pytest.mark.parametrize("end", [postgres.Postgres.kill, postgres.Postgres.stop])
async def test_a_server_that_is_gone_is_told_at_once_and_found_again(
    harmed: SqlStore, server: postgres.Postgres, end: Callable[[postgres.Postgres], None]
) -> None:
    """Each caller gets the one error for it; after the restart the next steps go through within 5 s."""
    assert await ask(harmed) == [None] * 50

    end(server)
    for _ in range(2):
        refused = await ask(harmed)
        assert all(isinstance(one, TemporarilyUnavailable) for one in refused), refused
        assert not any(postgres.PASSWORD in f"{one} {one.reason}" for one in refused)
    server.start()

    assert await recover(harmed) < RECOVERY_SECONDS


async def test_a_server_that_stands_still_is_given_up_in_bounded_time(
    harmed: SqlStore, server: postgres.Postgres
) -> None:
    """Connections that are open and silent, and new ones that are not answered; nobody waits longer than a step may."""
    await ask(harmed)

    server.pause()
    for _ in range(2):
        began = time.monotonic()
        refused = await ask(harmed)
        assert time.monotonic() - began < 2 * STEP_SECONDS  # a busy machine's share on top
        assert all(isinstance(one, TemporarilyUnavailable) for one in refused), refused
    server.resume()

    assert await recover(harmed) < RECOVERY_SECONDS


async def test_news_come_again_after_a_restart(harmed: SqlStore, server: postgres.Postgres, given: Any) -> None:
    """The listening connection is made anew, and whoever waited is woken to look for what was missed."""
    await harmed.revocations.wait_for_news(30)
    server.kill()
    server.start()
    await recover(harmed)

    began = time.monotonic()
    await harmed.revocations.wait_for_news(50)
    await harmed.revocations.add(given.revoking(), given.event())
    await harmed.revocations.wait_for_news(50)
    assert time.monotonic() - began < 40


async def test_a_connection_that_turned_read_only_is_thrown_away(url: str, store: SqlStore, given: Any) -> None:
    """After a failover the old primary takes no writes: each connection to it is given up, and the next is new."""
    database = url.rpartition("/")[2]
    await ask(store)
    idle = [connection for _, connection in store._connection._pool._idle]
    for connection in idle:
        await connection.execute("SET default_transaction_read_only = on")

    with pytest.raises(TemporarilyUnavailable) as refused:
        await store.revocations.add(given.revoking(), given.event())

    assert refused.value.reason == "store: ReadOnlySQLTransactionError 25006"
    assert all(connection.is_closed() for connection in idle)
    await store.revocations.add(given.revoking(), given.event())
    assert postgres.shared().sql("SELECT count(*) FROM revocations", database=database) == "1"


@pytest.mark.parametrize("end", [postgres.Postgres.kill, postgres.Postgres.pause])
async def test_a_promoted_standby_takes_over(
    server: postgres.Postgres, given: Any, end: Callable[[postgres.Postgres], None]
) -> None:
    """With both hosts in the URL: also if the old one says nothing any more. What was answered is there."""
    url = server.url_of_new_database()
    await upgrade(url)
    standby = server.standby(postgres.Commits.SYNCHRONOUS)
    both = url.replace(f":{server.port}/", f":{server.port},127.0.0.1:{standby.port}/")
    store = await open_store(f"{both}?target_session_attrs=read-write")
    entry = await store.revocations.add(given.revoking(), given.event())

    end(server)
    standby.promote()
    seconds = await recover(store)

    assert await store.revocations.after(0, 10) == [entry]
    assert seconds < 2 * RECOVERY_SECONDS  # the first step may still wait for the old one
    await store.close()
    standby.close()


async def test_the_host_that_takes_writes_is_found(url: str) -> None:
    """Of a list of hosts, as libpq takes it, one that does not answer is passed over."""
    nobody = postgres.free_port()
    several = url.replace("@127.0.0.1:", f"@127.0.0.1:{nobody},127.0.0.1:") + "?target_session_attrs=read-write"

    await upgrade(several)
    store = await open_store(several)

    await store.ping()
    await store.close()


async def test_a_standby_is_never_asked(server: postgres.Postgres, given: Any) -> None:
    """What is read there may be old, and be told to every API as the newest: also where the URL names it first."""
    url = server.url_of_new_database()
    await upgrade(url)
    standby = server.standby(postgres.Commits.ASYNCHRONOUS)
    alone = url.replace(f":{server.port}/", f":{standby.port}/")
    both = url.replace(f":{server.port}/", f":{standby.port},127.0.0.1:{server.port}/")

    with pytest.raises(ConfigurationError, match="read-only; name the primary"):
        await open_store(alone)
    store = await open_store(both)
    assert await store.users.add(given.user(), given.event())
    assert await store.users.find(given.user().sub)

    await store.close()
    standby.close()
