"""The connections of one process: so many at most, and no caller waits beyond a deadline for one.

asyncpg's own pool asks the server to reset each connection that comes back, lets any number of callers wait, and costs
more time than a refresh's own query. Here a connection comes back only when it is clean; else it is thrown away.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from keyturn.errors import TemporarilyUnavailable

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

SIZE = 10
"""Connections that a process opens at most for its steps. One more listens for news."""

QUEUE = 2048
"""Callers that may wait for one. More are refused at once: whoever comes then would wait too long anyway."""

IDLE_SECONDS = 300.0
"""How long an unused connection is kept: firewalls forget it without a word."""


class Pool:
    """Lends connections of its making. For one event loop.

    Args:
        connect: makes a connection before a deadline of the event loop's clock.

    """

    def __init__(self, connect: Callable[[float], Awaitable[Connection]]) -> None:
        self._connect = connect
        self._idle: deque[tuple[float, Connection]] = deque()  # the last used on the right
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._places = SIZE
        self._all_back = asyncio.Event()
        self._closed = False

    async def acquire(self, deadline: float) -> Connection:
        """Lend a connection, the last used first.

        Raises:
            TemporarilyUnavailable: the pool is closed, too many wait, or none came back before *deadline*.
            Exception: whatever *connect* raises.

        """
        await self._take_place(deadline)
        try:
            return self._take_idle() or await self._connect(deadline)
        except BaseException:
            self._leave_place()
            raise

    def release(self, connection: Connection) -> None:
        """Take *connection* back. One that is closed or amid a transaction is thrown away instead."""
        if self._closed or connection.is_closed() or connection.is_in_transaction():
            self.discard(connection)
            return
        self._idle.append((_now(), connection))
        self._leave_place()

    def discard(self, connection: Connection) -> None:
        """Throw *connection* away; what it has not committed is undone by the server."""
        connection.terminate()
        self._leave_place()

    def discard_idle(self) -> None:
        """Throw away those that nobody uses: they lead to the same server as one that has failed."""
        while self._idle:
            self._idle.pop()[1].terminate()

    async def close(self) -> None:
        """Refuse whoever comes, wait for those who have one or were promised one, and close all."""
        self._closed = True
        if self._places < SIZE:
            self._all_back.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._all_back.wait()
        self.discard_idle()

    async def _take_place(self, deadline: float) -> None:
        if self._closed:
            raise TemporarilyUnavailable("store: closed")
        if self._places:
            self._places -= 1
            return
        if len(self._waiting) >= QUEUE:
            raise TemporarilyUnavailable("store: too many wait for a connection")
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout_at(deadline):
                await turn
        except BaseException as error:
            self._give_up(turn)
            if isinstance(error, TimeoutError):
                raise TemporarilyUnavailable("store: no connection came free") from None
            raise

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        """Leave the queue; a place that was given this very moment goes to the next."""
        if turn.done() and not turn.cancelled():
            self._leave_place()
            return
        turn.cancel()
        if turn in self._waiting:
            self._waiting.remove(turn)

    def _leave_place(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._places += 1
        if self._places == SIZE:
            self._all_back.set()

    def _take_idle(self) -> Connection | None:
        oldest = _now() - IDLE_SECONDS
        while self._idle and self._idle[0][0] < oldest:
            self._idle.popleft()[1].terminate()
        while self._idle:
            _, connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None


def _now() -> float:
    return asyncio.get_running_loop().time()


_CLOSE_SECONDS = 10.0
