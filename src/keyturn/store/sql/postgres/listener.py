"""News of the revocation log: a connection of its own that listens, and connects again whenever it is lost.

The trigger that tells of them stands beside the first migration. A notification wakes whoever waits; it holds nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from keyturn.errors import KeyturnError
from keyturn.store.sql.postgres.faults import FAULTS
from keyturn.store.sql.postgres.pool import Connection

CHANNEL = "keyturn_revocations"

HEARTBEAT_SECONDS = 5.0
"""How often the connection is tried. One that died without a word is noticed then."""

ANSWER_SECONDS = 5.0
"""How long the server may take to connect or to answer a heartbeat."""

RETRY_SECONDS = 0.5
"""How long after a loss the next connection is tried."""


class Listener:
    """Waits for news. It connects when it is first asked to. For one event loop, and one who waits at a time."""

    def __init__(self, connect: Callable[[float], Awaitable[Connection]]) -> None:
        self._connect = connect
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def wait(self, seconds: float) -> None:
        """Return when there may be news since the last call, at the latest after *seconds*."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen_for_ever())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()

    async def close(self) -> None:
        """Stop listening."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _listen_for_ever(self) -> None:
        while True:
            with suppress(*FAULTS, KeyturnError):
                await self._listen()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        """Listen until the connection is lost, which raises."""
        connection = await self._connect(asyncio.get_running_loop().time() + ANSWER_SECONDS)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, lambda *_: self._news.set())
            self._news.set()  # there may have been some while nobody listened
            while not lost.is_set():
                await connection.execute("SELECT 1", timeout=ANSWER_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await lost.wait()
        finally:
            connection.terminate()
