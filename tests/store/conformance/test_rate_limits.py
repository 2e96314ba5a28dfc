"""`RateLimits`: all of a request's limits or none, by the very rule of `core.ratelimit`."""

import asyncio
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from keyturn.core.model import AuditKind
from keyturn.core.ports import Store
from keyturn.core.ratelimit import Rate, Reservation, charge, retry_after

fresh = count()

STEPS = st.lists(
    st.tuples(st.integers(0, 4_000_000), st.sampled_from(["reserve", "reserve", "reserve", "give_back"])), max_size=12
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@examples(burst=st.integers(1, 5), interval_us=st.integers(1, 3_000_000), steps=STEPS)
async def test_the_sql_is_the_rule(store: Store, burst: int, interval_us: int, steps: list[tuple[int, str]]) -> None:
    """Whatever comes when, the store gives what `charge` and `retry_after` give."""
    limit = Reservation(key=f"key-{next(fresh)}", rate=Rate(burst=burst, interval_us=interval_us))
    now_ms, tat_us = 1_800_000_000_000, 0
    for wait_ms, step in steps:
        now_ms += wait_ms // 1000
        if step == "give_back":
            await store.rate_limits.give_back([limit])
            tat_us -= interval_us if tat_us else 0
            continue
        new_tat_us = charge(tat_us, now_ms * 1000, limit.rate)
        expected = 0 if new_tat_us is not None else retry_after(tat_us, now_ms * 1000, limit.rate)
        assert await store.rate_limits.reserve([limit], now_ms) == expected
        tat_us = tat_us if new_tat_us is None else new_tat_us


async def test_all_are_drawn_on_or_none(store: Store, given: Any) -> None:
    """A limit that has no room keeps the others whole, and the longest wait is told."""
    free = Reservation(key="free", rate=Rate.per(1, 60))
    short, long = (Reservation(key=name, rate=Rate.per(1, wait)) for name, wait in (("short", 10), ("long", 100)))
    assert await store.rate_limits.reserve([short, long], given.now_ms) == 0

    assert await store.rate_limits.reserve([free, short, long], given.now_ms) == 100
    assert await store.rate_limits.reserve([long, short, free], given.now_ms) == 100

    assert await store.rate_limits.reserve([free], given.now_ms) == 0


async def test_a_burst_at_once_lets_exactly_the_burst_through(store: Store, given: Any) -> None:
    """40 parallel draws on a burst of 5 leave 35 refused (A47)."""
    limit = Reservation(key="ip", rate=Rate.per(5, 60))

    waits = await asyncio.gather(*(store.rate_limits.reserve([limit], given.now_ms) for _ in range(40)))

    assert waits.count(0) == 5
    assert set(waits) == {0, 12}


async def test_one_limit_twice_in_a_request_is_drawn_twice(store: Store, given: Any) -> None:
    """Two reservations of one key need room for two."""
    limit = Reservation(key="ip", rate=Rate.per(3, 60))

    assert await store.rate_limits.reserve([limit, limit], given.now_ms) == 0
    assert await store.rate_limits.reserve([limit, limit], given.now_ms) > 0
    assert await store.rate_limits.reserve([limit], given.now_ms) == 0


async def test_nothing_to_reserve_is_free(store: Store, given: Any) -> None:
    """No reservation, no limit."""
    assert await store.rate_limits.reserve([], given.now_ms) == 0


async def test_giving_back_what_is_not_there_changes_nothing(store: Store, given: Any) -> None:
    """A counter that was pruned meanwhile stays away."""
    limit = Reservation(key="ip", rate=Rate.per(1, 60))

    await store.rate_limits.give_back([limit])

    assert await store.rate_limits.reserve([limit], given.now_ms) == 0
    assert await store.rate_limits.reserve([limit], given.now_ms) == 60


async def test_prune_deletes_only_what_is_at_rest(store: Store, given: Any) -> None:
    """A counter goes once it no longer refuses anything, up to so many a call; in Redis they go by themselves."""
    pruned = 1 if store.cache_state is None else 0
    limits = [Reservation(key=f"ip-{wait}", rate=Rate.per(1, wait)) for wait in (10, 20, 30)]
    for limit in limits:
        await store.rate_limits.reserve([limit], given.now_ms)

    assert await store.rate_limits.prune(given.now_ms + 9_999, 9) == 0
    assert await store.rate_limits.prune(given.now_ms + 20_000, 1) == pruned
    assert await store.rate_limits.prune(given.now_ms + 20_000, 9) == pruned
    assert await store.rate_limits.reserve([limits[2]], given.now_ms + 29_999) == 1
    assert not [event for _, event in await store.audit.list_page(0, 9) if event.kind is not AuditKind.LOGIN]
