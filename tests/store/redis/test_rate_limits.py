"""Rate limits in Lua: the very rule of `core.ratelimit`, all of a request's limits or none."""

import asyncio
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st
from valkey_servers import Valkey

from keyturn.core.ports import CacheState, Store
from keyturn.core.ratelimit import Rate, Reservation, charge, retry_after
from keyturn.store import open_store

pytestmark = pytest.mark.slow

fresh = count()

RATES = st.lists(
    st.builds(Rate, burst=st.integers(1, 4), interval_us=st.integers(1, 90_000_000)), min_size=1, max_size=3
)
STEPS = st.lists(
    st.tuples(
        st.integers(-200_000, 100_000),  # milliseconds; a clock may be set back
        st.sampled_from(["reserve", "reserve", "reserve", "give_back"]),
        st.lists(st.integers(0, 2), min_size=1, max_size=4),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@examples(rates=RATES, steps=STEPS)
async def test_the_script_is_the_rule(store: Store, now_ms: int, rates: list[Rate], steps: list[Any]) -> None:
    """Several limits at once, one of them twice, a clock that is set back: the script does what `charge` does."""
    number = next(fresh)
    limits = [Reservation(key=f"key-{number}-{n}", rate=rate) for n, rate in enumerate(rates)]
    tats: dict[str, int] = {}
    for wait_ms, step, chosen in steps:
        now_ms += wait_ms
        drawn = [limits[n % len(limits)] for n in chosen]
        if step == "give_back":
            await store.rate_limits.give_back(drawn)
            for limit in drawn:
                if limit.key in tats:
                    tats[limit.key] -= limit.rate.interval_us
        else:
            assert await store.rate_limits.reserve(drawn, now_ms) == draw(tats, drawn, now_ms * 1000)
    assert store.cache_state is CacheState.OK


def draw(tats: dict[str, int], limits: list[Reservation], now_us: int) -> int:
    """Do in memory what the port says."""
    after, longest = dict(tats), 0
    for limit in limits:
        tat_us = after.get(limit.key, 0)
        charged = charge(tat_us, now_us, limit.rate)
        if charged is None:
            longest = max(longest, retry_after(tat_us, now_us, limit.rate))
        else:
            after[limit.key] = charged
    if not longest:
        tats.update(after)
    return longest


async def test_of_50_requests_at_once_in_two_processes_exactly_the_burst_passes(
    store: Store, other: Store, now_ms: int
) -> None:
    """A47: all or none; the wide limit keeps what the narrow one refused."""
    narrow, wide = Reservation(key="narrow", rate=Rate.per(7, 600)), Reservation(key="wide", rate=Rate.per(20, 600))

    draws = ((store, other)[n % 2].rate_limits.reserve([wide, narrow], now_ms) for n in range(50))
    waits = await asyncio.gather(*draws)

    assert waits.count(0) == 7
    alone = await asyncio.gather(*(store.rate_limits.reserve([wide], now_ms) for _ in range(50)))
    assert alone.count(0) == 13


async def test_the_script_is_sent_again_where_it_was_forgotten(store: Store, valkey: Valkey, now_ms: int) -> None:
    """A Redis that was restarted or flushed knows no scripts."""
    limit = Reservation(key="ip", rate=Rate.per(1, 60))
    assert await store.rate_limits.reserve([limit], now_ms) == 0
    with valkey.client() as client:
        client.script_flush()

    assert await store.rate_limits.reserve([limit], now_ms) == 60
    assert store.cache_state is CacheState.OK


async def test_a_counter_goes_by_itself_and_names_nobody(store: Store, valkey: Valkey, now_ms: int) -> None:
    """It is at rest after ten seconds, and may go a minute later; its name is a digest."""
    await store.rate_limits.reserve([Reservation(key="account:alice", rate=Rate.per(1, 10))], now_ms)

    with valkey.client() as client:
        (key,) = client.keys("*")
        left = client.ttl(key)

    assert key.startswith("{keyturn}:limit:")
    assert "alice" not in key
    assert 60 <= left <= 71


async def test_giving_back_keeps_the_end_and_makes_no_counter(store: Store, valkey: Valkey, now_ms: int) -> None:
    """A counter that is not there stays away: there is never more than a full burst."""
    limit = Reservation(key="ip", rate=Rate.per(1, 60))
    await store.rate_limits.give_back([limit])
    with valkey.client() as client:
        assert client.dbsize() == 0

    await store.rate_limits.reserve([limit], now_ms)
    for _ in range(5):
        await store.rate_limits.give_back([limit])

    with valkey.client() as client:
        assert client.ttl(client.keys("*")[0]) > 60
    assert [await store.rate_limits.reserve([limit], now_ms) for _ in range(2)] == [0, 60]


async def test_a_login_gives_back_what_it_drew_in_redis(store: Store, now_ms: int, given: Any) -> None:
    """The session is in the database, the limits are in Redis; a start that fails gives nothing back."""
    limit = Reservation(key="ip", rate=Rate.per(1, 60))
    await store.rate_limits.reserve([limit], now_ms)
    refused = given.start(given.session(1, sub="nobody"), user_version=3, give_back=[limit])
    assert not await store.sessions.start(refused)
    assert await store.rate_limits.reserve([limit], now_ms) == 60

    assert await store.sessions.start(given.start(given.session(2), give_back=[limit]))

    assert await store.rate_limits.reserve([limit], now_ms) == 0


async def test_a_full_redis_is_a_lost_one(database_url: str, now_ms: int) -> None:
    """It refuses writes rather than forgets; the database keeps the limits then."""
    with Valkey(options=["maxmemory 1", "maxmemory-policy noeviction"]) as full:
        store = await open_store(database_url, redis_url=full.url)
        limit = Reservation(key="ip", rate=Rate.per(2, 60))

        waits = [await store.rate_limits.reserve([limit], now_ms) for _ in range(3)]

        assert (waits, store.cache_state) == ([0, 0, 30], CacheState.DEGRADED)
        await store.close()
