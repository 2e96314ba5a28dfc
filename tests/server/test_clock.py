"""The time of a process, corrected by the database's clock."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from keyturn.errors import TemporarilyUnavailable
from keyturn.server.clock import Clock


class SlowHost(Clock):
    """A host whose clock is *behind_ms* behind."""

    def __init__(self, behind_ms: int) -> None:
        self.behind_ms = behind_ms

    def system_ms(self) -> int:
        """Return what its clock shows."""
        return super().system_ms() - self.behind_ms


async def true_time() -> int:
    """Answer as a database does."""
    return time.time_ns() // 1_000_000


@pytest.mark.parametrize("behind_ms", [3_000, -3_000, 12_345_678, 40])
async def test_a_host_goes_by_the_clock_of_the_database(behind_ms: int) -> None:
    """Whichever way its own is off; what stays is less than the answer took."""
    clock = SlowHost(behind_ms)
    await clock.correct(true_time)

    assert abs(clock.offset_ms - behind_ms) < 30
    assert abs(clock.now_ms() - time.time_ns() // 1_000_000) < 30


async def test_two_hosts_agree() -> None:
    """REF-03: what one has written, the other compares with its own time."""
    fast, slow = SlowHost(-3_000), SlowHost(3_000)
    await fast.correct(true_time)
    await slow.correct(true_time)

    assert abs(fast.now_ms() - slow.now_ms()) < 60


async def test_waiting_goes_by_the_corrected_clock() -> None:
    """A second that has begun for the database is not waited for, though it lies ahead for the host."""
    clock = SlowHost(3_600_000)
    await clock.correct(true_time)

    async with asyncio.timeout(5):
        await clock.wait_until(int(time.time()))


async def test_without_a_clock_of_its_own_the_database_changes_nothing() -> None:
    """SQLite has none."""

    async def none() -> None:
        return None

    clock = SlowHost(3_000)
    await clock.correct(none)

    assert clock.offset_ms == 0


async def test_a_database_that_does_not_answer_leaves_the_offset_as_it_was() -> None:
    """Nobody's time jumps because the database is down."""

    async def down() -> int:
        raise TemporarilyUnavailable("down")

    clock = SlowHost(3_000)
    await clock.correct(true_time)
    before = clock.offset_ms
    await clock.correct(down)

    assert clock.offset_ms == before


async def test_the_quickest_answer_counts() -> None:
    """One that was held up on its way back says little."""
    delays = iter([0.3, 0.0, 0.3])

    async def answer() -> int:
        read = await true_time()
        await asyncio.sleep(next(delays))
        return read

    clock = SlowHost(3_000)
    await clock.correct(answer)

    assert abs(clock.offset_ms - 3_000) < 60


async def test_a_very_slow_answer_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clock may have been read at any time in between."""
    moments: Iterator[float] = iter([0.0, 1.5] * 3)
    monkeypatch.setattr("keyturn.server.clock.monotonic", lambda: next(moments))
    clock = SlowHost(3_000)

    await clock.correct(true_time)

    assert clock.offset_ms == 0


async def test_an_offset_within_the_doubt_stays_and_a_real_change_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time does not go to and fro with every measurement; a host whose clock was set is right again soon."""
    ticks = iter(range(1000))
    monkeypatch.setattr("keyturn.server.clock.monotonic", lambda: next(ticks) * 0.1)  # each answer takes 100 ms
    clock = SlowHost(0)
    monkeypatch.setattr(clock, "system_ms", lambda: 1_000_000)

    async def answer(ahead_ms: int) -> None:
        async def read() -> int:
            return 1_000_050 + ahead_ms

        await clock.correct(read)

    await answer(3_000)
    assert clock.offset_ms == 3_000
    await answer(3_049)
    assert clock.offset_ms == 3_000
    await answer(100)
    assert clock.offset_ms == 100


@pytest.mark.parametrize(("offset_ms", "is_off"), [(0, False), (3_000, False), (5_000, False), (-5_001, True)])
def test_five_seconds_are_too_much(offset_ms: int, is_off: bool) -> None:
    """Either way."""
    clock = Clock()
    clock.offset_ms = offset_ms

    assert clock.is_off is is_off
