"""`Sessions.advance`: exactly one refresh wins, whatever comes at once (REF-02, REF-03, A34)."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from keyturn.core.model import Device
from keyturn.core.ports import Advance, Advanced, Store
from keyturn.core.ratelimit import Rate
from keyturn.store.sql.sessions import ADVANCE, _find
from keyturn.store.sql.store import SqlStore


async def test_it_moves_a_live_session_and_returns_the_row_after(store: Store, given: Any) -> None:
    """An advance writes the generation, its key, the times, the device and the rotation limit, and nothing else."""
    session = given.session()
    await store.sessions.start(given.start(session))
    seen = Device(browser="Chrome", os="Android", address="198.51.100.0/24")
    rate = Rate.per(30, 60)

    outcome = await store.sessions.advance(given.advance(session, device=seen, rate=rate))

    assert outcome.moved
    assert outcome.session == replace(
        session,
        generation=1,
        key_id=b"key2",
        rotated_at_ms=given.now_ms + 1000,
        last_used_at=given.now + 1,
        idle_expires_at=given.now + 1 + 7 * given.day,
        device=seen,
        refresh_tat_us=(given.now_ms + 1000) * 1000 + rate.interval_us,
    )
    assert await store.sessions.find(session.handle) == outcome.session


async def test_the_idle_end_never_passes_the_absolute_end(store: Store, given: Any) -> None:
    """Rotation never extends the absolute end (REF-09)."""
    session = given.session(expires_at=given.now + 60)
    await store.sessions.start(given.start(session))

    outcome = await store.sessions.advance(given.advance(session))

    assert outcome.session.idle_expires_at == outcome.session.expires_at == given.now + 60


@pytest.mark.parametrize("generation", [0, 2, 5])
async def test_another_generation_is_not_moved(store: Store, given: Any, generation: int) -> None:
    """A session moves only from the very generation it is at; the outcome carries the row as it is."""
    session = given.session(generation=1)
    await store.sessions.start(given.start(session))

    outcome = await store.sessions.advance(given.advance(session, from_generation=generation, to_generation=6))

    assert outcome == Advanced(moved=False, session=session, newest_revocation=0)
    assert await store.sessions.find(session.handle) == session


async def test_a_rolled_back_session_can_jump_forward(store: Store, given: Any) -> None:
    """From the generation it is at, a session may move to any later one (REF-08)."""
    session = given.session(generation=3)
    await store.sessions.start(given.start(session))

    outcome = await store.sessions.advance(given.advance(session, from_generation=3, to_generation=9))

    assert outcome.moved
    assert outcome.session.generation == 9


@pytest.mark.parametrize("end", ["expires_at", "idle_expires_at"])
async def test_the_second_of_the_end_is_too_late(store: Store, given: Any, end: str) -> None:
    """A session is refused from the second of its idle or absolute end on, and good until the one before (REF-09)."""
    late, in_time = given.session(1, **{end: given.now + 1}), given.session(2, **{end: given.now + 2})
    await store.sessions.start(given.start(late))
    await store.sessions.start(given.start(in_time))

    assert not (await store.sessions.advance(given.advance(late))).moved
    assert (await store.sessions.advance(given.advance(in_time))).moved


async def test_an_ended_session_is_never_revived(store: Store, given: Any) -> None:
    """After its end, no advance moves a session (REF-05, A37)."""
    session = given.session()
    await store.sessions.start(given.start(session))
    await store.sessions.end(given.ending(sid=session.sid))

    outcome = await store.sessions.advance(given.advance(session))

    assert not outcome.moved
    assert outcome.session.ended_at == given.now + 2
    assert outcome.session.generation == 0


async def test_an_unknown_handle_is_told_as_such(store: Store, given: Any) -> None:
    """Without a row the outcome has no session, and still the newest revocation."""
    await store.revocations.add(given.revoking(), given.event())

    outcome = await store.sessions.advance(given.advance(given.session()))

    assert outcome == Advanced(moved=False, session=None, newest_revocation=given.now_ms)


@pytest.mark.parametrize("generation", [0, 7])
async def test_the_outcome_carries_the_newest_revocation(store: Store, given: Any, generation: int) -> None:
    """Moved or not, an advance tells how far the revocation log is."""
    session = given.session()
    await store.sessions.start(given.start(session))
    entry = await store.revocations.add(given.revoking(), given.event())

    outcome = await store.sessions.advance(given.advance(session, from_generation=generation))

    assert outcome.newest_revocation == entry.seq


async def test_the_rotation_limit_is_judged_in_the_same_step(store: Store, given: Any) -> None:
    """Beyond the burst a session does not move; an interval later it does."""
    rate = Rate(burst=2, interval_us=10_000_000)
    session = given.session()
    await store.sessions.start(given.start(session))

    moved = [
        (
            await store.sessions.advance(
                given.advance(session, from_generation=n, to_generation=n + 1, rate=rate, now_ms=given.now_ms + after)
            )
        ).moved
        for n, after in [(0, 0), (1, 0), (2, 0), (2, 9_999), (2, 10_000), (3, 10_000)]
    ]

    assert moved == [True, True, False, False, True, False]


async def assert_one_winner(advance: Callable[[Advance], Awaitable[Advanced]], order: Advance) -> None:
    """Give *order* 64 times at once and demand that one of them moved the session."""
    outcomes = await asyncio.gather(*(advance(order) for _ in range(64)))
    assert sum(outcome.moved for outcome in outcomes) == 1
    assert all(outcome.session.generation == order.to_generation for outcome in outcomes)


async def test_of_64_at_once_one_wins(store: Store, given: Any) -> None:
    """64 parallel presentations of one refresh token move the session once, and all see where it went (A34)."""
    session = given.session()
    await store.sessions.start(given.start(session))

    await assert_one_winner(store.sessions.advance, given.advance(session))


async def test_reading_first_and_writing_after_would_be_seen(sql_store: SqlStore, given: Any) -> None:
    """The check above is able to fail: it does for a store that reads the session and then writes it (A34)."""
    session, store = given.session(), sql_store
    await store.sessions.start(given.start(session))

    async def planted(order: Advance) -> Advanced:
        found = await store._connection.read(_find, order.handle)
        if found.generation != order.from_generation:
            return Advanced(moved=False, session=found, newest_revocation=0)
        await store._connection.write(_unconditional, order)
        return Advanced(moved=True, session=replace(found, generation=order.to_generation), newest_revocation=0)

    with pytest.raises(AssertionError):
        await assert_one_winner(planted, given.advance(session))


def _unconditional(order: Advance) -> Any:
    assert "AND generation = :from_generation" in ADVANCE
    yield (
        "UPDATE sessions SET generation = :to WHERE handle = :handle",
        {
            "to": order.to_generation,
            "handle": order.handle,
        },
    )


RACER = """
import asyncio, sys
from keyturn.core.model import Device
from keyturn.core.ports import Advance
from keyturn.core.ratelimit import Rate
from keyturn.store import open_store

async def main(url, pooler, handle, now_ms):
    store = await open_store(url, pooler=pooler)
    order = Advance(
        handle=bytes.fromhex(handle), from_generation=0, to_generation=1, key_id=b"k", now_ms=int(now_ms), idle=60,
        rate=Rate(burst=1000, interval_us=1), device=Device(browser="", os="", address=""),
    )
    print("ready", flush=True)
    sys.stdin.readline()
    outcomes = await asyncio.gather(*(store.sessions.advance(order) for _ in range(32)))
    print(sum(outcome.moved for outcome in outcomes))
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_of_several_processes_at_once_one_wins(store: Store, store_url: str, pooler: str, given: Any) -> None:
    """Across processes too, one presentation moves the session (A34)."""
    session = given.session()
    await store.sessions.start(given.start(session))
    command = [sys.executable, "-c", RACER, store_url, pooler, session.handle.hex(), str(given.now_ms)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen(command, **pipes) for _ in range(3)]  # noqa: ASYNC220 - they need no loop of ours
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()

    wins = [int(racer.communicate(timeout=20)[0]) for racer in racers]

    assert sum(wins) == 1


async def test_logout_and_refresh_at_once_leave_an_ended_session(store: Store, given: Any) -> None:
    """Whichever of a logout and a refresh comes first, afterwards no refresh works again (REF-13, A37)."""
    for number in range(20):
        session = given.session(number)
        await store.sessions.start(given.start(session))
        calls = [
            store.sessions.advance(given.advance(session)),
            store.sessions.end(given.ending(handle=session.handle)),
        ]
        outcomes = await asyncio.gather(*(calls if number % 2 else reversed(calls)))

        ended = next(outcome for outcome in outcomes if not isinstance(outcome, Advanced))
        assert [one.sid for one in ended] == [session.sid]
        again = given.advance(session, from_generation=ended[0].generation, to_generation=9)
        assert not (await store.sessions.advance(again)).moved
