"""Turns: what the fleet does now and then, one process does."""

import asyncio
from typing import Any

from keyturn.core.ports import Store

MINUTE_MS = 60_000


async def test_a_turn_is_taken_once_until_the_next_is_due(store: Store, given: Any) -> None:
    """To the millisecond; the very first is due at once."""
    turns = store.turns

    assert await turns.take("prune", given.now_ms, MINUTE_MS)
    assert not await turns.take("prune", given.now_ms, MINUTE_MS)
    assert not await turns.take("prune", given.now_ms + MINUTE_MS - 1, MINUTE_MS)
    assert await turns.take("prune", given.now_ms + MINUTE_MS, MINUTE_MS)


async def test_a_turn_that_was_refused_puts_nothing_off(store: Store, given: Any) -> None:
    """However often the others ask, the next turn comes when it is due."""
    await store.turns.take("prune", given.now_ms, MINUTE_MS)
    for second in range(1, 60):
        assert not await store.turns.take("prune", given.now_ms + second * 1000, MINUTE_MS)

    assert await store.turns.take("prune", given.now_ms + MINUTE_MS, MINUTE_MS)


async def test_each_job_has_turns_of_its_own(store: Store, given: Any) -> None:
    """Taking one leaves the other."""
    assert await store.turns.take("prune", given.now_ms, MINUTE_MS)
    assert await store.turns.take("count", given.now_ms, MINUTE_MS)


async def test_of_many_that_ask_at_once_one_has_the_turn(store: Store, given: Any) -> None:
    """Each time that it is due."""
    for turn in range(5):
        now_ms = given.now_ms + turn * MINUTE_MS
        taken = await asyncio.gather(*(store.turns.take("prune", now_ms, MINUTE_MS) for _ in range(16)))
        assert taken.count(True) == 1


async def test_a_turn_that_lies_ahead_holds_nobody_up(store: Store, given: Any) -> None:
    """A59: taken by a clock that was an hour fast, it is due at once for those who are right."""
    await store.turns.take("prune", given.now_ms + 60 * MINUTE_MS, MINUTE_MS)

    assert await store.turns.take("prune", given.now_ms, MINUTE_MS)
    assert not await store.turns.take("prune", given.now_ms + 1, MINUTE_MS)
