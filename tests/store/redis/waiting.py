"""Waiting for what will come to pass, with a deadline that a busy machine meets too."""

import asyncio
import time
from collections.abc import Callable

from keyturn.core.ports import CacheState, Store

PATIENCE_SECONDS = 30.0


async def until(check: Callable[[], object]) -> None:
    """Return once *check* is true."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not check():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


async def until_state(store: Store, state: CacheState) -> float:
    """Return once *store* says so, and after how many seconds."""
    start = time.monotonic()
    await until(lambda: store.cache_state is state)
    return time.monotonic() - start
