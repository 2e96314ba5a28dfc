"""Deleting what can no longer matter, in batches small enough that no request waits for one."""

from collections.abc import Awaitable, Callable

from keyturn.core.ports import Store

BATCH = 200
"""Rows deleted in one step of the store."""


async def prune(store: Store, *, now_ms: int, pause: Callable[[], Awaitable[None]]) -> int:
    """Delete expired sessions, revocations and counters; return how many rows went.

    Args:
        store: what to prune.
        now_ms: the time.
        pause: awaited between two batches, so that requests come first.

    """
    now = now_ms // 1000
    jobs: tuple[Callable[[], Awaitable[int]], ...] = (
        lambda: store.sessions.prune(now, BATCH),
        lambda: store.revocations.prune(now, BATCH),
        lambda: store.rate_limits.prune(now_ms, BATCH),
        lambda: store.used_tokens.prune(now, BATCH),
    )
    gone = 0
    for job in jobs:
        while deleted := await job():
            gone += deleted
            if deleted < BATCH:
                break
            await pause()
    return gone
