"""Refreshes that come at once travel together, and each gets what it would have got alone."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import postgres
import pytest

from keyturn.errors import TemporarilyUnavailable
from keyturn.store import open_store
from keyturn.store.sql.postgres import merging
from keyturn.store.sql.postgres.statements import Arguments
from keyturn.store.sql.script import Rows
from keyturn.store.sql.store import SqlStore

SESSIONS = range(40)


@pytest.fixture
async def started(store: SqlStore, given: Any) -> SqlStore:
    """A store with sessions of many users, half of whom are ours."""
    for number in SESSIONS:
        if number % 2:
            await store.users.add(given.user(number), given.event())
        await store.sessions.start(given.start(given.session(number, sub=f"u{number}")))
    return store


async def test_each_caller_gets_the_row_of_its_own_key(started: SqlStore, given: Any) -> None:
    """In whatever order they ask, asking twice and asking for nothing included."""
    numbers = [*reversed(SESSIONS), 3, 3, 999]

    found = await asyncio.gather(*(started.sessions.find_with_user(given.session(n).handle) for n in numbers))

    assert found.pop() is None
    assert [session.sid for session, _ in found] == [given.session(n).sid for n in numbers[:-1]]
    assert [user and user.sub for _, user in found] == [f"u{n}" if n % 2 else None for n in numbers[:-1]]


async def test_refreshes_at_once_share_their_commits(started: SqlStore, url: str, given: Any) -> None:
    """That is what a flush to the disk for each would have cost."""
    orders = [given.advance(given.session(number)) for number in SESSIONS]

    assert all(one.moved for one in await asyncio.gather(*map(started.sessions.advance, orders)))

    written = "SELECT count(DISTINCT xmin::text) FROM sessions WHERE generation = 1"
    assert int(postgres.shared().sql(written, database=url.rpartition("/")[2])) <= merging.LANES


async def test_one_bad_caller_harms_nobody_else(started: SqlStore, given: Any) -> None:
    """What PostgreSQL refuses for one of a group, such as a text that it can't store, is done again for the others."""
    bad = {7: "a\0b", 8: "\ud800"}
    orders = [
        given.advance(given.session(number), device=replace(given.device, browser=bad.get(number, "fine")))
        for number in SESSIONS
    ]

    told = await asyncio.gather(*map(started.sessions.advance, orders), return_exceptions=True)

    assert {number for number in SESSIONS if isinstance(told[number], TemporarilyUnavailable)} == set(bad)
    assert all(told[number].moved for number in SESSIONS if number not in bad)
    for number in SESSIONS:
        kept = await started.sessions.find(given.session(number).handle)
        assert kept.generation == (0 if number in bad else 1)


async def test_a_cancelled_caller_harms_nobody_else(started: SqlStore, given: Any) -> None:
    """Its own refresh may have happened or not; the others are told what happened to theirs."""
    tasks = [asyncio.create_task(started.sessions.advance(given.advance(given.session(n)))) for n in SESSIONS]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()

    told = await asyncio.gather(*tasks, return_exceptions=True)

    assert all(one.moved for one in told if not isinstance(one, asyncio.CancelledError))
    assert len([one for one in told if isinstance(one, asyncio.CancelledError)]) == len(tasks[::3])


async def test_two_processes_and_a_mass_logout_do_not_wait_for_each_other_for_ever(
    started: SqlStore, url: str, given: Any
) -> None:
    """Groups of two stores and steps that end many sessions lock the same rows; all of them come to an end."""
    other = await open_store(url)

    async def refresh(store: SqlStore) -> None:
        for generation in range(5):
            orders = (given.advance(given.session(n), from_generation=generation) for n in SESSIONS)
            await asyncio.gather(*map(store.sessions.advance, orders))

    async with asyncio.timeout(60):
        calls = (started.sessions.end(given.ending(sub=f"u{number}")) for number in SESSIONS)
        await asyncio.gather(refresh(started), refresh(other), *calls)

    assert await started.sessions.list_page("", 100, given.now) == []
    await other.close()


async def test_a_full_queue_refuses_at_once(monkeypatch: pytest.MonkeyPatch, started: SqlStore, given: Any) -> None:
    """Beyond a number nobody is made to wait."""
    monkeypatch.setattr(merging, "QUEUE", 5)

    calls = (started.sessions.find_with_user(given.session(n).handle) for n in SESSIONS)
    told = await asyncio.gather(*calls, return_exceptions=True)

    assert len([one for one in told if isinstance(one, TemporarilyUnavailable)]) == len(SESSIONS) - 5


async def test_nobody_asks_in_vain_as_the_lanes_end() -> None:
    """Whoever asks in the moment in which every lane has found nothing more to do is served all the same."""
    answers = asyncio.Event()

    async def run(_: str, group: Sequence[Arguments], __: float) -> Rows:
        await answers.wait()
        return group

    merger = merging.Merger("SELECT :handle", merging.Key(parameter="handle", column=0), run)

    async def ask(*handles: str) -> None:
        for handle in handles:
            assert await merger.ask({"handle": handle}, asyncio.get_running_loop().time() + 60) == [(handle,)]

    async with asyncio.timeout(60), asyncio.TaskGroup() as callers:
        callers.create_task(ask("first", "in the moment"))
        await asyncio.sleep(0.01)
        for lane in range(1, merging.LANES):
            callers.create_task(ask(f"lane {lane}"))
            await asyncio.sleep(0.01)
        answers.set()

    await merger.close()
