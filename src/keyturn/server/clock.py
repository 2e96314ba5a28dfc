"""The time, as the server has it: asked for once a request, and replaced by another one in tests."""

import asyncio
import time


class Clock:
    """The system's wall clock."""

    def now_ms(self) -> int:
        """Return the time in epoch milliseconds."""
        return time.time_ns() // 1_000_000

    async def wait_until(self, second: int) -> None:
        """Return when the epoch *second* has begun."""
        while (left_ms := second * 1000 - self.now_ms()) > 0:  # noqa: ASYNC110 - the clock may be set meanwhile
            await asyncio.sleep(left_ms / 1000)
