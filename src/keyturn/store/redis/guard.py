"""What happens when Redis is lost: the database answers instead, at once, until Redis takes writes again.

The first call that fails changes the state, and costs its caller `PATIENCE_SECONDS` at the most. From then on nobody
waits for Redis: a task of our own asks again and again whether it is back. Each change is logged once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Final, TypeAlias, TypeVar

from keyturn.core.ports import CacheState
from keyturn.store.redis.background import end
from keyturn.store.redis.client import POOL_SIZE

T = TypeVar("T")

PATIENCE_SECONDS: Final = 1.0
"""How long one call may take, with all that it needs: a free connection, a new one, a Sentinel's answer."""

PROBE_EVERY_SECONDS: Final = 1.0
"""How long after a failure Redis is asked again."""

PROBE_SECONDS: Final = 3.0
"""How long that may take; nobody waits for it."""


class Fallback(StrEnum):
    """Why the database did what Redis does otherwise."""

    FAILED = "failed"
    """Redis was asked and did not do it."""
    NOT_ASKED = "not_asked"
    """It was known to be lost."""


OnFallback: TypeAlias = Callable[[str], object]
"""Called with a `Fallback` each time."""


class Lost(Exception):
    """Redis did not answer, or was not asked: do without."""


class Guard:
    """Lets calls through while Redis answers. For one event loop."""

    def __init__(
        self,
        probe: Callable[[], Awaitable[object]],
        *,
        on_back: Callable[[], object],
        on_fallback: OnFallback,
    ) -> None:
        self._probe = probe
        self._on_back = on_back
        self._on_fallback = on_fallback
        self._recovery: asyncio.Task[None] | None = None
        self._slots = asyncio.Semaphore(POOL_SIZE)
        self.state = CacheState.OK

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what *ask* returns.

        Raises:
            Lost: Redis is lost, or was just now.

        """
        if self.state is CacheState.DEGRADED:
            self._on_fallback(Fallback.NOT_ASKED)
            raise Lost
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._slots:
                return await ask()
        except Exception as error:  # noqa: BLE001 - whatever it was, the database can do it
            self._on_fallback(Fallback.FAILED)
            self._lose(error)
        raise Lost

    async def check(self) -> None:
        """Find out whether Redis takes writes, if it is not known to be lost."""
        try:
            await self.call(self._probe)
        except Lost:
            return

    async def close(self) -> None:
        """Stop asking."""
        await end(self._recovery)

    def _lose(self, error: Exception) -> None:
        if self.state is CacheState.DEGRADED:
            return
        self.state = CacheState.DEGRADED
        _log.warning("redis is lost (%s): the database keeps the rate limits until it is back", _name(error))
        self._recovery = asyncio.create_task(self._recover(), name="keyturn redis recovery")

    async def _recover(self) -> None:
        while not await self._is_back():
            pass
        self.state = CacheState.OK
        _log.info("redis is back: it keeps the rate limits again")
        self._on_back()

    async def _is_back(self) -> bool:
        await asyncio.sleep(PROBE_EVERY_SECONDS)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await self._probe()
        except Exception:  # noqa: BLE001 - whatever it is, the next turn may fare better
            return False
        return True


def _name(error: BaseException) -> str:
    """Return the type of *error*: its text is somebody else's."""
    return type(error).__name__


_log: Final[Any] = logging.getLogger("keyturn.redis")
