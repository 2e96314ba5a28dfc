"""Redis is killed or paused under load: limits go on limiting, nothing fails, and it mends itself."""

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from valkey_servers import PASSWORD, Valkey
from waiting import until, until_state

from free_ports import free_port
from keyturn.core.ports import CacheState, Store
from keyturn.core.ratelimit import Rate, Reservation
from keyturn.store import open_store

pytestmark = pytest.mark.slow

LIMIT = Reservation(key="ip", rate=Rate.per(20, 86_400))


@pytest.mark.parametrize("how", ["kill", "pause"])
async def test_limits_go_on_limiting_and_redis_comes_back(
    store: Store, valkey: Valkey, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A47: at most one more burst passes in all, no request fails, and within seconds all is as before."""
    caplog.set_level(logging.INFO, "keyturn")
    waits: list[int] = []
    slowest = 0.0
    stop = asyncio.Event()

    async def load() -> None:
        nonlocal slowest
        while not stop.is_set():
            start = time.monotonic()
            waits.append(await store.rate_limits.reserve([LIMIT], time.time_ns() // 1_000_000))
            slowest = max(slowest, time.monotonic() - start)
            await asyncio.sleep(0.002)

    tasks = [asyncio.create_task(load()) for _ in range(8)]
    await until(lambda: len(waits) > 200)
    getattr(valkey, how)()
    await until_state(store, CacheState.DEGRADED)
    before = len(waits)
    await until(lambda: len(waits) > before + 500)
    passed = waits.count(0)
    if how == "kill":
        valkey.start()
    else:
        valkey.resume()
    seconds = await until_state(store, CacheState.OK)
    await until(lambda: len(waits) > before + 1000)
    stop.set()
    await asyncio.gather(*tasks)

    print(f"{how}: {waits.count(0)} of {len(waits)} passed, {slowest:.2f} s at most, back in {seconds:.1f} s")  # noqa: T201
    assert passed <= 2 * LIMIT.rate.burst
    assert waits.count(0) <= (3 if how == "kill" else 2) * LIMIT.rate.burst  # a Redis that comes back empty: once more
    assert slowest < 5
    assert seconds < 5
    assert [record.levelname for record in caplog.records if record.name == "keyturn.redis"] == ["WARNING", "INFO"]


async def test_a_login_is_slowed_once_and_fails_never(store: Store, valkey: Valkey, given: Any, now_ms: int) -> None:
    """With a Redis that hangs: the first one waits for it, the others don't, and each session is there."""
    assert await store.rate_limits.reserve([LIMIT], now_ms) == 0
    valkey.pause()
    took = []
    for number in range(6):
        start = time.monotonic()
        assert await store.rate_limits.reserve([LIMIT], now_ms) == 0
        assert await store.sessions.start(given.start(given.session(number), give_back=[LIMIT]))
        took.append(time.monotonic() - start)
    valkey.resume()

    assert took[0] >= 0.5
    assert sum(took[1:]) < took[0] * 5
    assert min(took[1:]) < 0.5
    assert await store.sessions.find(given.session(5).handle)


async def test_a_reservation_of_the_database_is_given_back_there(
    store: Store, valkey: Valkey, given: Any, now_ms: int
) -> None:
    """While Redis is lost, a login is one step of the database, limits and all."""
    narrow = Reservation(key="narrow", rate=Rate.per(1, 60))
    valkey.kill()
    assert await store.rate_limits.reserve([narrow], now_ms) == 0
    assert await store.rate_limits.reserve([narrow], now_ms) == 60

    assert await store.sessions.start(given.start(given.session(1), give_back=[narrow]))

    assert [await store.rate_limits.reserve([narrow], now_ms) for _ in range(2)] == [0, 60]


async def test_changes_back_and_forth_make_no_room(store: Store, valkey: Valkey, now_ms: int) -> None:
    """Each of the two keeps its own count, so that however often Redis comes and goes each gives its burst once."""
    narrow = Reservation(key="narrow", rate=Rate.per(3, 86_400))
    passed = 0
    for _ in range(3):
        passed += [await store.rate_limits.reserve([narrow], now_ms) for _ in range(9)].count(0)
        valkey.pause()
        passed += [await store.rate_limits.reserve([narrow], now_ms) for _ in range(9)].count(0)
        assert store.cache_state is CacheState.DEGRADED
        valkey.resume()
        await until_state(store, CacheState.OK)

    assert passed == 6


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
@pytest.mark.parametrize(
    ("rest", "error"),
    [
        ("://me:word@127.0.0.1:{port}/1", "ConnectionError"),
        ("+sentinel://me:word@127.0.0.1:{port}/service/1", "MasterNotFoundError"),
        ("+cluster://me:word@127.0.0.1:{port}", "RedisClusterException"),
    ],
)
async def test_redis_need_not_be_there_at_the_start(
    database_url: str, scheme: str, rest: str, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The store opens, answers and closes; it says how Redis fares as soon as it is asked."""
    store = await open_store(database_url, redis_url=scheme + rest.format(port=free_port()))
    await store.ping()
    assert store.cache_state is CacheState.DEGRADED

    assert await store.rate_limits.reserve([LIMIT], time.time_ns() // 1_000_000) == 0
    await store.revocations.wait_for_news(0.1)
    await store.close()
    assert f"redis is lost ({error})" in caplog.text


async def test_a_wrong_password_is_told_to_nobody(
    database_url: str, valkey: Valkey, now_ms: int, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """OPS-03: neither the right one nor the wrong one is in a log or in what the store shows of itself."""
    caplog.set_level(logging.DEBUG)
    store = await open_store(database_url, redis_url=valkey.url.replace("word", "hunter2"))
    assert await store.rate_limits.reserve([LIMIT], now_ms) == 0
    await store.revocations.wait_for_news(0.3)
    shown = [repr(part) for part in (store, *vars(store).values())]
    await store.close()

    assert "redis is lost (AuthenticationError)" in caplog.text
    for secret in (PASSWORD, "hunter2", "p%40ss"):
        assert secret not in caplog.text
        assert secret not in " ".join(shown)
