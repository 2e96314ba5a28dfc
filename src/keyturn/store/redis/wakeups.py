"""Word of new revocations from other processes, by a subscription that is made again whenever it breaks."""

import asyncio
import logging
from typing import Any, Final

from keyturn.store.redis import keys
from keyturn.store.redis.background import end
from keyturn.store.redis.client import Client

AGAIN_SECONDS: Final = 1.0
"""How long after a subscription broke the next one is tried."""


class Wakeups:
    """Listens from the first `wait` on. For one event loop."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._heard = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return when there was word since the last time, or there may have been."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen(), name="keyturn redis wake-ups")
        await self._heard.wait()
        self._heard.clear()

    async def close(self) -> None:
        """Stop listening."""
        await end(self._task)

    async def _listen(self) -> None:
        while True:
            try:
                async for _ in self._client.listen(keys.NEWS):
                    self._heard.set()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next turn may fare better
                _log.debug("no word of revocations from redis (%s)", type(error).__name__)
            await asyncio.sleep(AGAIN_SECONDS)


_log: Final[Any] = logging.getLogger("keyturn.redis")
