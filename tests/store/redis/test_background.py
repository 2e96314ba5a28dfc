"""Ending a task whose work swallows a cancellation."""

import asyncio

from keyturn.store.redis.background import end


async def test_a_task_that_swallows_a_cancellation_ends_all_the_same() -> None:
    """A driver that is cancelled while it connects may go on as if nothing had been said."""
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 3:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)

    await end(task)
    await end(task)
    await end(None)

    assert task.cancelled()
    assert swallowed == 3
