"""Sentinel and Cluster: the same store, and what becomes of it when a server is lost."""

import asyncio
from typing import Any

import pytest
from valkey_servers import Cluster, Sentinels
from waiting import until, until_state

from keyturn.core.ports import CacheState, Store
from keyturn.core.ratelimit import Rate, Reservation
from keyturn.store import open_store

pytestmark = pytest.mark.slow


async def uses_all(store: Store, given: Any, now_ms: int, number: int) -> None:
    """Do with *store* whatever Redis has a part in."""
    limits = [Reservation(key=f"{name}-{number}", rate=Rate.per(1, 60)) for name in "abc"]
    assert await store.rate_limits.reserve(limits, now_ms) == 0
    assert await store.rate_limits.reserve(limits, now_ms) == 60
    await store.rate_limits.give_back(limits)
    assert await store.rate_limits.reserve(limits, now_ms) == 0
    name = bytes([number]) * 32
    assert await store.used_tokens.use(name, now_ms // 1000 + 60, now_ms // 1000)
    assert not await store.used_tokens.use(name, now_ms // 1000 + 60, now_ms // 1000)
    await asyncio.gather(
        store.revocations.wait_for_news(60), store.revocations.add(given.revoking(str(number)), given.event())
    )


async def test_a_failover_by_sentinels_is_followed(database_url: str, given: Any, now_ms: int) -> None:
    """The replica takes over with limits and denylist; meanwhile the database keeps the limits."""
    with Sentinels() as sentinels:
        store = await open_store(database_url, redis_url=sentinels.url)
        await uses_all(store, given, now_ms, 1)
        limit = Reservation(key="a-1", rate=Rate.per(1, 60))
        with sentinels.replica.client() as replica:
            await until(lambda: replica.exists("{keyturn}:revoked:seq"))
        sentinels.primary.kill()
        assert [await store.rate_limits.reserve([limit], now_ms) for _ in range(2)] == [0, 60]
        assert store.cache_state is CacheState.DEGRADED

        seconds = await until_state(store, CacheState.OK)

        print(f"back {seconds:.1f} s after the primary was killed")  # noqa: T201 - the figure is of use
        assert await store.rate_limits.reserve([limit], now_ms) == 60
        await uses_all(store, given, now_ms, 2)
        assert store.cache_state is CacheState.OK
        await store.close()


async def test_one_of_the_sentinels_may_hang(database_url: str, given: Any, now_ms: int) -> None:
    """The others are asked in time."""
    with Sentinels() as sentinels:
        sentinels.sentinels[0].pause()
        store = await open_store(database_url, redis_url=sentinels.url)

        await uses_all(store, given, now_ms, 1)

        assert store.cache_state is CacheState.OK
        await store.close()


async def test_a_cluster_has_everything_in_one_slot(database_url: str, given: Any, now_ms: int) -> None:
    """So that several limits are one call; another node may be lost, and with ours the database does without."""
    with Cluster() as cluster:
        store = await open_store(database_url, redis_url=cluster.url)
        await uses_all(store, given, now_ms, 1)
        assert store.cache_state is CacheState.OK
        ours = cluster.node_of("{keyturn}:probe")
        sizes = []
        for node in cluster.nodes:
            with node.client() as client:
                sizes.append((node is ours, client.dbsize() > 0))
        assert sorted(sizes) == [(False, False), (False, False), (True, True)]

        ours.kill()
        limit = Reservation(key="a-1", rate=Rate.per(1, 60))
        assert [await store.rate_limits.reserve([limit], now_ms) for _ in range(2)] == [0, 60]
        assert store.cache_state is CacheState.DEGRADED
        ours.start()
        await until_state(store, CacheState.OK)
        await uses_all(store, given, now_ms, 2)
        await store.close()
