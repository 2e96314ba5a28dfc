"""`Guard`: a loss costs one call, and everything is as before once Redis is back."""

import asyncio
import logging

import pytest
from waiting import until

from keyturn.core.ports import CacheState
from keyturn.store.redis import guard as guarding
from keyturn.store.redis.guard import Guard, Lost


class Redis:
    """Answers, fails or hangs."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.hangs = False
        self.asked = 0
        self.fallbacks: list[str] = []
        self.back = 0

    async def ask(self) -> int:
        """Answer as it was told to."""
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(3600)
        if self.error:
            raise self.error
        return 7

    def guard(self) -> Guard:
        """Return a guard before it."""
        return Guard(self.ask, on_back=self.is_back, on_fallback=self.fallbacks.append)

    def is_back(self) -> None:
        """Count."""
        self.back += 1


@pytest.fixture
def redis() -> Redis:
    """A Redis that answers."""
    return Redis()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less than in production."""
    monkeypatch.setattr(guarding, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(guarding, "PROBE_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(guarding, "PROBE_SECONDS", 0.05)


async def test_a_failure_is_noticed_once_and_mended_by_itself(redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    """One call fails, the next ones don't ask; then it is asked again until it answers. Each change is logged once."""
    caplog.set_level(logging.INFO, "keyturn")
    guard = redis.guard()
    redis.error = ConnectionError("the password is hunter2")
    for _ in range(3):
        with pytest.raises(Lost):
            await guard.call(redis.ask)
    assert (guard.state, redis.asked, redis.fallbacks) == (CacheState.DEGRADED, 1, ["failed", "not_asked", "not_asked"])

    await until(lambda: redis.asked > 3)
    assert guard.state is CacheState.DEGRADED
    redis.error = None
    await until(lambda: guard.state is CacheState.OK)

    assert await guard.call(redis.ask) == 7
    assert redis.back == 1
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "redis is lost (ConnectionError)" in caplog.text
    assert "hunter2" not in caplog.text


async def test_silence_costs_the_patience_once(redis: Redis) -> None:
    """Whoever waits when Redis stops answering waits for so long, and whoever comes later does not wait."""
    guard = redis.guard()
    redis.hangs = True

    waits = await asyncio.gather(*(guard.call(redis.ask) for _ in range(100)), return_exceptions=True)
    asked = redis.asked
    with pytest.raises(Lost):
        await guard.call(redis.ask)

    assert {type(each) for each in waits} == {Lost}
    assert redis.asked == asked
    await guard.close()


async def test_a_closed_guard_asks_no_more(redis: Redis) -> None:
    """Nothing goes on in the background."""
    guard = redis.guard()
    redis.error = OSError()
    await guard.check()
    await guard.close()
    asked = redis.asked

    await asyncio.sleep(0.2)

    assert (redis.asked, guard.state) == (asked, CacheState.DEGRADED)
