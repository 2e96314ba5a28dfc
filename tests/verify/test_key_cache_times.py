"""The key cache at each of its times: which age brings what, and how long a refusal tells to wait."""

import concurrent.futures
import logging
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from keyturn.errors import InvalidKey, VerifierUnavailable
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.key_set import export_key_set
from keyturn.tokens.keys import SigningKey
from keyturn.verify.fetch import FetchFailed
from keyturn.verify.key_cache import KeyCache
from keyturn.verify.key_source import FixedKeys, KeySet

KEY = SigningKey.generate(Algorithm.ES256).public
START = 1000.0


class World:
    """A clock that a test moves, and a fetch that does what the test says."""

    def __init__(self) -> None:
        self.now = START
        self.calls = 0
        self.error: Exception | None = None
        self.hold: Callable[[], object] = lambda: None
        self.cache = KeyCache(self.load, clock=lambda: self.now, deadline=2)

    def load(self) -> KeySet:
        """Fetch."""
        self.calls += 1
        number, error = self.calls, self.error
        self.hold()
        if error is not None:
            raise error
        return KeySet(keys={f"key-{number}": KEY}, fresh_for=600)

    def settle(self) -> None:
        """Wait until no fetch runs."""
        if (flight := self.cache._flight) is not None:
            concurrent.futures.wait([flight.landed], timeout=5)

    def retry_after(self) -> int | None:
        """Return what a refusal tells to wait."""
        with pytest.raises(VerifierUnavailable) as refusal:
            self.cache.get_keys()
        return refusal.value.retry_after


def take_a_moment() -> None:
    """Be slower than whoever does not wait."""
    time.sleep(0.05)


@pytest.fixture
def world() -> World:
    """Return a world in which nothing has been fetched."""
    return World()


def test_a_young_set_is_not_asked_for_again(world: World) -> None:
    """KEY-05: until four fifths of its freshness nothing is fetched, and from then on once."""
    world.cache.get_keys()
    world.now = START + 479
    assert world.cache.at_hand() is not None
    world.cache.get_keys()
    world.settle()
    assert world.calls == 1
    world.now = START + 480
    assert world.cache.at_hand() is None
    world.cache.get_keys()
    world.settle()
    assert world.calls == 2


def test_a_stale_set_is_waited_for_and_serves_an_hour_at_most(world: World) -> None:
    """KEY-06: past fresh the fetch decides; after a failure the old keys serve at once, to the second."""
    world.cache.get_keys()
    world.now = START + 600
    world.hold = take_a_moment
    assert list(world.cache.get_keys()) == ["key-2"]
    world.error = FetchFailed("down")
    world.now = START + 600 + 600 + 3599
    assert list(world.cache.get_keys()) == ["key-2"]
    world.settle()
    world.now += 1
    assert world.retry_after() is not None


def test_once_the_old_keys_are_over_the_next_fetch_is_waited_for_again(world: World) -> None:
    """KEY-06: while they served nobody waited for an issuer that failed; now there is nothing else to go by."""
    keys = world.cache.get_keys()
    world.hold = take_a_moment
    world.error = FetchFailed("down")
    world.now = START + 600
    with pytest.raises(VerifierUnavailable):
        world.cache.get_newer(keys)
    assert world.cache.get_keys() is keys
    world.error = None
    world.now = START + 600 + 3600
    assert list(world.cache.get_keys()) == ["key-3"]


def test_a_closed_cache_tells_nobody_to_come_again_at_once(world: World) -> None:
    """Nothing will be fetched: whoever asks each second harms nobody, and whoever asks without a pause might."""
    world.cache.close()
    assert world.retry_after() == 1


async def test_a_fetch_may_take_a_little_longer_than_its_deadline(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends itself at its deadline; whoever waits for it must not be gone a moment before."""
    monkeypatch.setattr("keyturn.verify.key_cache._GRACE", 20)
    for wait in (KeyCache.get_keys, KeyCache.get_keys_async):
        cache = KeyCache(world.load, deadline=0.1)
        world.hold = lambda: time.sleep(0.15)
        found = wait(cache)
        assert await found if isinstance(found, Awaitable) else found


def test_at_its_deadline_a_fetch_counts_as_over(world: World) -> None:
    """Another one may begin, whatever became of the first."""
    over = threading.Event()
    cache = KeyCache(world.load, deadline=2, cooldown=2, clock=lambda: world.now)
    world.hold = lambda: over.wait(20)
    first = cache._start()
    world.now = START + 1.999
    assert cache._start() is first
    world.now = START + 2
    assert cache._start() not in {None, first}
    over.set()


def test_a_refusal_tells_the_time_of_the_next_fetch(world: World) -> None:
    """Whole seconds, one at least and the cooldown at most."""
    world.error = FetchFailed("down")
    told = []
    for step in (0.0, 0.4, 1.0, 2.5, 4.0):
        world.now = START + step
        told.append(world.retry_after())
        world.settle()
    assert told == [1, 1, 2, 1, 4]


def test_after_a_success_failures_count_from_the_first(world: World) -> None:
    """An issuer that was down for long and is down again is asked again after a second, not after a cooldown."""
    world.error = FetchFailed("down")
    for step in (0, 1, 3, 7):
        world.now = START + step
        world.retry_after()
    world.error = None
    world.now = START + 15
    assert world.cache.get_keys()
    world.error = FetchFailed("down")
    world.now += 600 + 3600
    world.retry_after()
    calls = world.calls
    world.now += 1
    world.retry_after()
    assert world.calls == calls + 1


def test_with_usable_keys_a_failure_waits_for_the_cooldown(world: World) -> None:
    """KEY-05: a busy API whose issuer is down asks it twice a minute."""
    world.cache.get_keys()
    world.error = FetchFailed("down")
    calls = []
    for step in (600, 601, 602, 629, 630, 659, 660):
        world.now = START + step
        world.cache.get_keys()
        world.settle()
        calls.append(world.calls)
    assert calls == [2, 2, 2, 2, 3, 3, 4]


def test_a_late_failure_of_an_early_fetch_is_no_failure(world: World) -> None:
    """KEY-07: a fetch that began before the one that succeeded says nothing about now."""
    gate = threading.Event()
    world.error, world.hold = FetchFailed("slow"), lambda: gate.wait(5)
    early = world.cache._start()
    world.now += 31
    world.error, world.hold = None, lambda: None
    assert list(world.cache.get_keys()) == ["key-2"]
    gate.set()
    assert early is not None
    early.landed.result(5)
    world.now += 600
    world.error = FetchFailed("down")
    world.hold = lambda: None
    assert world.cache._failures == 0


async def test_a_task_waits_for_the_fetch_that_an_unknown_kid_asks_for(world: World) -> None:
    """KEY-05: the new keys are there when it goes on, and nothing newer than them is."""
    old = await world.cache.get_keys_async()
    world.now += 31
    world.hold = lambda: threading.Event().wait(0.05)
    newer = await world.cache.get_newer_async(old)
    assert newer is not None
    assert list(newer) == ["key-2"]
    assert await world.cache.get_newer_async(old) is newer
    world.now += 2
    assert list(await world.cache.get_newest_async(newer) or ()) == ["key-3"]
    assert world.calls == 3


async def test_without_keys_nothing_is_newest(world: World) -> None:
    """And no error is raised: the caller has its own."""
    world.error = FetchFailed("down")
    assert await world.cache.get_newest_async({}) is None


def test_what_could_not_be_fetched_is_told_without_a_stranger_s_words(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """VER-30: our own reasons in full, of any other error its name alone."""
    for error, told in (
        (FetchFailed("status 500"), "status 500"),
        (InvalidKey("no usable key"), "no usable key"),
        (OSError("a stranger's text"), "OSError"),
    ):
        world.now += 60
        world.error = error
        with caplog.at_level(logging.WARNING, "keyturn.verify"):
            world.retry_after()
        world.settle()
        assert caplog.messages[-1] == f"the key set could not be fetched: {told}"


def test_a_fetch_keeps_no_process_alive(world: World) -> None:
    """Its thread is a daemon's."""
    seen: list[bool] = []
    world.hold = lambda: seen.append(threading.current_thread().daemon)
    world.cache.get_keys()
    assert seen == [True]


async def test_fixed_keys_are_newer_than_any_other() -> None:
    """Whoever has them has them all; whoever has others is given them."""
    fixed = FixedKeys(export_key_set([KEY]), algorithms=frozenset({Algorithm.ES256}))
    keys = fixed.get_keys()
    for newer in (fixed.get_newer(keys), await fixed.get_newer_async(keys), await fixed.get_newest_async(keys)):
        assert newer is None
    for newer in (fixed.get_newer({}), await fixed.get_newer_async({}), await fixed.get_newest_async({})):
        assert newer is keys


def test_a_set_that_is_still_fresh_is_not_waited_for(world: World) -> None:
    """KEY-05: the fetch goes on beside the caller who set it off."""
    world.cache.get_keys()
    gate = threading.Event()
    world.hold = lambda: gate.wait(1.5)  # less than the deadline: who waited would have the newer set
    world.now = START + 500
    assert list(world.cache.get_keys()) == ["key-1"]
    flight = world.cache._flight
    assert flight is not None
    assert not flight.landed.done()
    gate.set()
    flight.landed.result(5)


def test_who_has_an_older_set_is_given_the_newer_without_a_fetch(world: World) -> None:
    """KEY-05: however long ago the last fetch was."""
    old = world.cache.get_keys()
    world.now = START + 31
    newer = world.cache.get_newer(old)
    world.now = START + 100
    assert world.cache.get_newer(old) is newer
    assert world.calls == 2
