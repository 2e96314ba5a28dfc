"""The time, as the server has it: asked for once a request, and replaced by another one in tests.

Processes on several hosts go by one clock, the database's: each adds to its own clock what that one is ahead. What one
of them writes, another reads and compares: when a token was rotated, how full a limit is, when a key may sign.

A correction may set the time back a little. Nothing is made of that: a request takes the time once, rows are written
by other processes too, whose time may be some milliseconds ahead, and no rule breaks when the clock is set back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic, time_ns
from typing import Final

from keyturn.errors import TemporarilyUnavailable

MAX_OFFSET_MS: Final = 5_000
"""A host whose clock is further off is reported: APIs judge our tokens by clocks that are right, with 5 s of leeway."""


class Clock:
    """The system's wall clock, corrected by the database's.

    Attributes:
        offset_ms: by how many milliseconds the database's clock is ahead of this host's.

    """

    offset_ms: int = 0

    def now_ms(self) -> int:
        """Return the time in epoch milliseconds."""
        return self.system_ms() + self.offset_ms

    def system_ms(self) -> int:
        """Return what the clock of this host shows."""
        return time_ns() // 1_000_000

    @property
    def is_off(self) -> bool:
        """Tell whether this host's clock is so wrong that somebody has to look at it."""
        return abs(self.offset_ms) > MAX_OFFSET_MS

    async def correct(self, database_ms: Callable[[], Awaitable[int | None]]) -> None:
        """Measure the offset anew; it stays as it is where the database has no clock, or none that answers in time.

        The database read its clock somewhere between the question and the answer, so the quickest of a few answers
        says most. Half the time that one took is the doubt: an offset that lies within it is left alone.
        """
        found = await self._measure(database_ms)
        if found is None:
            return
        offset_ms, doubt_ms = found
        if self.offset_ms == 0 or abs(offset_ms - self.offset_ms) > doubt_ms:
            self.offset_ms = offset_ms

    async def wait_until(self, second: int) -> None:
        """Return when the epoch *second* has begun."""
        while (left_ms := second * 1000 - self.now_ms()) > 0:  # noqa: ASYNC110 - the clock may be set meanwhile
            await asyncio.sleep(left_ms / 1000)

    async def _measure(self, database_ms: Callable[[], Awaitable[int | None]]) -> tuple[int, int] | None:
        samples = [found for _ in range(_SAMPLES) if (found := await self._sample(database_ms)) is not None]
        took_ms, offset_ms = min(samples, default=(_PATIENCE_MS, 0))
        return None if took_ms >= _PATIENCE_MS else (offset_ms, -(-took_ms // 2))

    async def _sample(self, database_ms: Callable[[], Awaitable[int | None]]) -> tuple[int, int] | None:
        """Return how long an answer took, in milliseconds, and the offset by it."""
        began, before = monotonic(), self.system_ms()
        try:
            answer = await database_ms()
        except TemporarilyUnavailable:
            return None
        took_ms = round((monotonic() - began) * 1000)
        return None if answer is None else (took_ms, answer - before - took_ms // 2)


_SAMPLES: Final = 3
_PATIENCE_MS: Final = 1_000
"""An answer that took longer says too little."""
