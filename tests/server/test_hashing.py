"""Passwords as argon2id hashes, and the queue before the threads that make them."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Awaitable

import pytest

from keyturn.errors import TemporarilyUnavailable
from keyturn.server.hash_threads import NICENESS, WAITING_PER_THREAD, HashThreads, default_threads
from keyturn.server.hashing import Argon2Hasher, HashCost

CHEAP = HashCost(memory_kib=64, time_cost=1, parallelism=1)
REAL = HashCost(memory_kib=19456, time_cost=2, parallelism=1)

PASSWORD = "correct horse battery"


def hasher(cost: HashCost = CHEAP, threads: int = 1) -> Argon2Hasher:
    """Return a hasher with threads of its own."""
    return Argon2Hasher(cost, HashThreads(threads))


async def blocked(threads: HashThreads, release: threading.Event) -> list[asyncio.Task[bool]]:
    """Fill every place of *threads*, which has one thread, until *release*."""
    tasks = [asyncio.create_task(threads.run(release.wait)) for _ in range(1 + WAITING_PER_THREAD)]
    await asyncio.sleep(0.01)
    return tasks


async def test_a_password_is_known_by_its_hash_alone() -> None:
    """PWD-01: argon2id, with a salt of its own; passwords that differ behind byte 72 are different (PWD-02)."""
    argon2 = hasher()
    encoded = await argon2.hash("a" * 80)

    assert encoded.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert encoded != await argon2.hash("a" * 80)
    assert await argon2.verify(encoded, "a" * 80)
    assert not await argon2.verify(encoded, "a" * 79 + "b")


async def test_a_hash_with_other_parameters_is_to_be_made_anew() -> None:
    """PWD-01: raised parameters take effect at the next login, and the old hash still counts."""
    old = await hasher().hash(PASSWORD)
    today = hasher(HashCost(memory_kib=128, time_cost=1, parallelism=1))

    assert await today.verify(old, PASSWORD)
    assert today.needs_rehash(old)
    assert not today.needs_rehash(await today.hash(PASSWORD))


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "plain",
        "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$aGFzaA",
        "$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHQ$aGFzaA",
        "$argon2id$v=19$m=64,t=1,p=1$!$!",
        "$argon2id$v=19$m=0,t=0,p=0$c29tZXNhbHQ$aGFzaA",
        "$argon2id$v=19$m=64,t=1,p=1$\u00e4$aGFzaA",
        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
    ],
)
async def test_a_stored_hash_that_is_none_matches_no_password(stored: str) -> None:
    """OPS-05: a damaged row refuses a login like a wrong password, and no peer sees an error of its own."""
    assert not await hasher().verify(stored, PASSWORD)


async def test_an_unknown_user_costs_what_a_known_one_does() -> None:
    """A46: the dummy has today's parameters; the least CPU of many runs, taken in turn, is within a third."""
    argon2 = hasher(REAL)
    encoded = await argon2.hash(PASSWORD)
    known, unknown = [], []

    for _ in range(15):
        known.append(await cpu_seconds_of(argon2.verify(encoded, "wrong")))
        unknown.append(await cpu_seconds_of(argon2.verify_dummy("wrong")))

    assert min(unknown) == pytest.approx(min(known), rel=0.33)


async def cpu_seconds_of(work: Awaitable[object]) -> float:
    """Return the CPU time of this process, all its threads, while *work* is done: what others do does not count."""
    began = time.process_time()
    await work
    return time.process_time() - began


async def test_a_full_queue_refuses_at_once() -> None:
    """PWD-08, A49: 503 with Retry-After, rather than a wait that nobody sits out."""
    threads, release = HashThreads(1), threading.Event()
    tasks = await blocked(threads, release)

    with pytest.raises(TemporarilyUnavailable) as refused:
        await threads.run(lambda: True)

    assert refused.value.retry_after
    release.set()
    assert all(await asyncio.gather(*tasks))
    assert await threads.run(lambda: True)
    await threads.close()


async def test_whoever_goes_away_gives_their_place_back_and_costs_nothing() -> None:
    """A60: a cancelled login that waited is never hashed."""
    threads, release, hashed = HashThreads(1), threading.Event(), []
    tasks = await blocked(threads, release)
    tasks.pop().cancel()
    await asyncio.sleep(0)

    late = asyncio.create_task(threads.run(lambda: hashed.append("late")))
    await asyncio.sleep(0.01)
    late.cancel()
    await asyncio.sleep(0)
    last = asyncio.create_task(threads.run(lambda: hashed.append("last")))
    await asyncio.sleep(0.01)
    release.set()
    await last

    assert hashed == ["last"]
    await asyncio.gather(*tasks)
    await threads.close()


async def test_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    """PWD-08: no turn of the loop waits for a hash."""
    argon2 = hasher(REAL, threads=default_threads())
    encoded = await argon2.hash(PASSWORD)
    logins = [asyncio.create_task(argon2.verify(encoded, PASSWORD)) for _ in range(12)]
    lags = []
    while not all(login.done() for login in logins):
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        lags.append(time.perf_counter() - began - 0.001)

    assert all(await asyncio.gather(*logins))
    assert sorted(lags)[len(lags) // 2] < 0.02


@pytest.mark.skipif(sys.platform != "linux", reason="a niceness belongs to a thread on Linux alone")
async def test_hashing_threads_stand_back() -> None:
    """P7: on Linux they are nicer than the event loop's thread, and that one stays as it was."""
    before = os.getpriority(os.PRIO_PROCESS, 0)

    threads = HashThreads(1)
    inside = await threads.run(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    assert inside == max(before, NICENESS)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
    await threads.close()


async def test_closed_threads_refuse() -> None:
    """A login that comes during the shutdown gets 503."""
    threads = HashThreads(1)
    await threads.close()

    with pytest.raises(TemporarilyUnavailable):
        await threads.run(lambda: True)


@pytest.mark.parametrize(
    ("cores", "processes", "threads"), [(1, 1, 1), (2, 1, 1), (8, 1, 7), (8, 2, 3), (8, 4, 1), (8, 64, 1), (64, 4, 15)]
)
def test_the_cores_are_shared_out_and_one_is_left(
    monkeypatch: pytest.MonkeyPatch, cores: int, processes: int, threads: int
) -> None:
    """For the event loops; but each process has a thread."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)), raising=False)

    assert default_threads(processes) == threads
