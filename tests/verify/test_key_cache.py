"""KEY-05 to KEY-07: one fetch for all who ask, and only a good answer replaces the keys."""

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable

import pytest

from keyturn.errors import InvalidKey, VerifierUnavailable
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey, VerificationKey
from keyturn.verify.fetch import FetchFailed
from keyturn.verify.key_cache import KeyCache
from keyturn.verify.key_source import KeySet

KEY = SigningKey.generate(Algorithm.ES256).public


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Load:
    """What fetches: a new set each time, or a failure."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.gate: Callable[[int], None] = lambda _number: None

    def __call__(self) -> KeySet:
        """Fetch."""
        self.calls += 1
        number = self.calls
        self.gate(number)
        if self.error is not None:
            raise self.error
        return KeySet(keys={f"key-{number}": KEY}, fresh_for=600)


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands."""
    return Clock()


@pytest.fixture
def load() -> Load:
    """Return what fetches."""
    return Load()


@pytest.fixture
def cache(load: Load, clock: Clock) -> KeyCache:
    """Return a cache of what *load* brings."""
    return KeyCache(load, clock=clock, deadline=2)


def settle(cache: KeyCache) -> None:
    """Wait until no fetch runs."""
    flight = cache._flight
    if flight is not None:
        concurrent.futures.wait([flight.landed], timeout=5)


def test_the_first_caller_waits_and_the_next_do_not(cache: KeyCache, load: Load) -> None:
    """Nothing is fetched before it is needed, and then once."""
    assert load.calls == 0
    assert list(cache.get_keys()) == ["key-1"]
    assert list(cache.get_keys()) == ["key-1"]
    assert load.calls == 1


@pytest.mark.parametrize("error", [FetchFailed("x"), InvalidKey("x"), ZeroDivisionError("x")])
def test_without_keys_there_is_no_verdict(cache: KeyCache, load: Load, error: Exception) -> None:
    """KEY-06: no keys yet is 503, never a bad token."""
    load.error = error
    with pytest.raises(VerifierUnavailable):
        cache.get_keys()
    with pytest.raises(VerifierUnavailable):
        cache.get_newer({})


def test_a_down_issuer_is_asked_ever_more_seldom(cache: KeyCache, load: Load, clock: Clock) -> None:
    """Callers fail at once meanwhile; it is never longer than the cooldown."""
    load.error = FetchFailed("down")
    asked_at = []
    for tick in range(160):
        calls = load.calls
        with pytest.raises(VerifierUnavailable) as refusal:
            cache.get_keys()
        assert 1 <= (refusal.value.retry_after or 0) <= 30
        asked_at += [tick] * (load.calls - calls)
        clock.now += 1
    assert asked_at == [0, 1, 3, 7, 15, 31, 61, 91, 121, 151]


def test_keys_are_renewed_in_the_background_before_they_are_old(cache: KeyCache, load: Load, clock: Clock) -> None:
    """A busy API never waits for a refresh."""
    hold = threading.Event()
    load.gate = lambda number: None if number == 1 else _wait(hold)
    cache.get_keys()
    clock.now += 490
    assert list(cache.get_keys()) == ["key-1"]
    hold.set()
    settle(cache)
    assert list(cache.get_keys()) == ["key-2"]


def test_keys_past_their_freshness_are_renewed_before_they_serve(cache: KeyCache, load: Load, clock: Clock) -> None:
    """KEY-04: after a quiet hour, a key that was withdrawn meanwhile does not count once more."""
    cache.get_keys()
    clock.now += 601
    assert list(cache.get_keys()) == ["key-2"]


def test_the_last_good_keys_serve_an_hour_and_not_longer(cache: KeyCache, load: Load, clock: Clock) -> None:
    """KEY-06: stale while the issuer is down, for a bound; then fail closed."""
    cache.get_keys()
    load.error = FetchFailed("down")
    for _ in range(100):
        clock.now += 41
        assert list(cache.get_keys()) == ["key-1"]
    settle(cache)
    clock.now += 101
    with pytest.raises(VerifierUnavailable):
        cache.get_keys()
    load.error = None
    clock.now += 31
    assert "key-1" not in cache.get_keys()


def test_a_failing_issuer_makes_nobody_wait(cache: KeyCache, load: Load, clock: Clock) -> None:
    """Once a renewal failed, the next ones run beside the callers."""
    cache.get_keys()
    load.error = FetchFailed("down")
    clock.now += 601
    cache.get_keys()
    hold = threading.Event()
    load.gate = lambda _number: _wait(hold)
    clock.now += 31
    started = time.monotonic()
    assert list(cache.get_keys()) == ["key-1"]
    assert time.monotonic() - started < 1
    hold.set()
    settle(cache)
    assert load.calls == 3


def test_an_unknown_kid_brings_the_new_keys(cache: KeyCache, load: Load, clock: Clock) -> None:
    """KEY-05: a rotation is noticed at the first token of the new key."""
    keys = cache.get_keys()
    clock.now += 31
    assert list(cache.get_newer(keys) or ()) == ["key-2"]
    assert list(cache.get_newer(keys) or ()) == ["key-2"]
    assert load.calls == 2


def test_an_unknown_kid_in_a_stale_set_is_no_verdict(cache: KeyCache, load: Load, clock: Clock) -> None:
    """While the issuer can't be asked and the set is past its time, the kid may well exist."""
    keys = cache.get_keys()
    load.error = FetchFailed("down")
    clock.now += 601
    with pytest.raises(VerifierUnavailable):
        cache.get_newer(keys)


async def test_what_the_issuer_sends_may_ask_sooner(cache: KeyCache, load: Load, clock: Clock) -> None:
    """Contract §5: a key that has replaced a stolen one is fetched within a second; strangers still wait."""
    keys = cache.get_keys()
    assert await cache.get_newest_async(keys) is None
    clock.now += 1
    assert cache.get_newer(keys) is None
    assert load.calls == 1
    assert list(await cache.get_newest_async(keys) or ()) == ["key-2"]
    newest = cache.get_keys()
    assert await cache.get_newest_async(keys) is newest
    clock.now += 0.9
    assert await cache.get_newest_async(newest) is None
    assert load.calls == 2
    clock.now += 28
    assert cache.get_newer(newest) is None
    clock.now += 1.1
    assert list(cache.get_newer(newest) or ()) == ["key-3"]


async def test_haste_brings_no_verdict_where_there_are_no_keys(cache: KeyCache, load: Load, clock: Clock) -> None:
    """A page can't be judged then, and is asked for again."""
    keys = cache.get_keys()
    load.error = FetchFailed("down")
    clock.now += 2
    assert await cache.get_newest_async(keys) is None
    assert load.calls == 2


def test_a_flood_of_unknown_kids_is_one_fetch_a_cooldown(cache: KeyCache, load: Load, clock: Clock) -> None:
    """KEY-05, A31: 64 threads, 10,000 kids between them, and the known key is there for everybody all the time."""
    keys = cache.get_keys()
    missed = []

    def flood(_number: int) -> None:
        for _ in range(156):
            cache.get_newer(keys)
            if not cache.get_keys():
                missed.append(1)

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        list(pool.map(flood, range(64)))
        assert load.calls == 1
        clock.now += 30
        list(pool.map(flood, range(64)))
        assert load.calls == 2
        clock.now += 29
        list(pool.map(flood, range(64)))
    assert load.calls == 2
    assert not missed


def test_threads_and_tasks_of_several_loops_share_one_fetch(cache: KeyCache, load: Load) -> None:
    """KEY-05: single flight for all of them; no loop is blocked meanwhile."""
    hold = threading.Event()
    load.gate = lambda _number: _wait(hold)
    beats = []

    async def many() -> list[dict[str, VerificationKey]]:
        tasks = [asyncio.create_task(cache.get_keys_async()) for _ in range(20)]
        for _ in range(20):
            await asyncio.sleep(0.005)
            beats.append(1)
        hold.set()
        return [dict(keys) for keys in await asyncio.gather(*tasks)]

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        threads = [pool.submit(cache.get_keys) for _ in range(10)]
        loops = [pool.submit(asyncio.run, many()) for _ in range(2)]
        found = [dict(thread.result()) for thread in threads] + [keys for loop in loops for keys in loop.result()]
    assert len(found) == 50
    assert all(list(keys) == ["key-1"] for keys in found)
    assert (load.calls, len(beats)) == (1, 40)


async def test_a_cancelled_task_cancels_nothing_for_the_others(cache: KeyCache, load: Load) -> None:
    """A client that hangs up takes no keys from anybody."""
    hold = threading.Event()
    load.gate = lambda _number: _wait(hold)
    impatient = asyncio.create_task(cache.get_keys_async())
    patient = asyncio.create_task(cache.get_keys_async())
    await asyncio.sleep(0.01)
    impatient.cancel()
    await asyncio.sleep(0.01)
    hold.set()
    assert list(await patient) == ["key-1"]


def test_an_older_fetch_never_overwrites_a_newer_set(load: Load, clock: Clock) -> None:
    """KEY-07, A33: the slow answer of an abandoned fetch comes too late."""
    cache = KeyCache(load, clock=clock, deadline=0.05)
    keys = cache.get_keys()
    hold, slow_done = threading.Event(), threading.Event()

    def gate(number: int) -> None:
        if number == 2:
            _wait(hold)

    load.gate = gate
    clock.now += 31
    assert cache.get_newer(keys) is None
    slow = cache._flight
    clock.now += 31
    assert list(cache.get_newer(keys) or ()) == ["key-3"]
    hold.set()
    assert slow is not None
    slow.landed.add_done_callback(lambda _: slow_done.set())
    assert slow_done.wait(5)
    assert list(cache.get_keys()) == ["key-3"]


def test_a_fetch_that_never_ends_does_not_stop_the_next(load: Load, clock: Clock) -> None:
    """A process that forked in the middle of a fetch has such a one."""
    cache = KeyCache(load, clock=clock, deadline=0.05)
    hold = threading.Event()
    load.gate = lambda number: _wait(hold) if number == 1 else None
    with pytest.raises(VerifierUnavailable):
        cache.get_keys()
    clock.now += 31
    assert list(cache.get_keys()) == ["key-2"]
    hold.set()


def test_a_closed_cache_fetches_no_more(cache: KeyCache, load: Load, clock: Clock) -> None:
    """Keys that are there serve until they are too old."""
    cache.get_keys()
    cache.close()
    clock.now += 601
    assert list(cache.get_keys()) == ["key-1"]
    clock.now += 3600
    with pytest.raises(VerifierUnavailable):
        cache.get_keys()
    assert load.calls == 1


def _wait(event: threading.Event) -> None:
    assert event.wait(5)
