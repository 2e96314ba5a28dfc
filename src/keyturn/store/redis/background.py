"""Ending a task that talks to Redis."""

import asyncio
from typing import Final


async def end(task: "asyncio.Task[None] | None") -> None:
    """Cancel *task* until it is over: now and then the driver swallows a cancellation, while it connects."""
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN_SECONDS)


_AGAIN_SECONDS: Final = 0.1
