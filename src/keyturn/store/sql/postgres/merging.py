"""Merging: callers that do the same statement at the same time share one round trip and one flush to the disk.

PostgreSQL does the statement once for each of them, in the order of their keys and in one transaction of their own, so
that what each gets is what it would have got alone. While a group is under way the next one gathers. A refresh costs
the client half of what it costs alone.

If a statement of a group is refused, all of them were undone, and each is done again by itself: one caller's mistake is
not the others'.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from keyturn.errors import TemporarilyUnavailable
from keyturn.store.sql.postgres.faults import is_of_one_statement, unavailable
from keyturn.store.sql.postgres.pool import QUEUE
from keyturn.store.sql.postgres.statements import Arguments, translated
from keyturn.store.sql.script import Row, Rows, Value

Run: TypeAlias = Callable[[str, Sequence[Arguments], float], Awaitable[Rows]]
"""Does a statement once for each arguments before a deadline, whole or not at all, and returns all their rows."""

GROUP: Final = 128
"""Callers that are served together at most."""

LANES: Final = 2
"""Groups under way at once: while one waits for the disk, the next is at work."""

LEAST_SECONDS: Final = 1.0
"""What a group is given at least, even if one of it has waited for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What tells callers apart: the *parameter* that no two of a group share, and the *column* it comes back in."""

    parameter: str
    column: int


class _Call:
    __slots__ = ("arguments", "deadline", "future", "key")

    def __init__(self, key: Value, arguments: Arguments, deadline: float) -> None:
        self.key = key
        self.arguments = arguments
        self.deadline = deadline
        self.future: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()


class Merger:
    """Merges the calls of one statement, which finds at most one row for a key. For one event loop."""

    def __init__(self, sql: str, key: Key, run: Run) -> None:
        self._sql, self._in_order = translated(sql)
        self._key = key
        self._run = run
        self._waiting: deque[_Call] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, values: Mapping[str, Value], deadline: float) -> Awaitable[Rows]:
        """Return the rows of the statement with *values*.

        Raises:
            TemporarilyUnavailable: too many wait already.

        """
        if len(self._waiting) >= QUEUE:
            raise TemporarilyUnavailable("store: too many wait for a connection")
        call = _Call(values[self._key.parameter], self._in_order(values), deadline)
        self._waiting.append(call)
        if len(self._tasks) < LANES:
            task = asyncio.create_task(self._work())  # begins when all who are ready now have asked
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)  # for one that is cancelled before it begins
        return call.future

    async def close(self) -> None:
        """Finish what was asked for."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _work(self) -> None:
        try:
            while group := self._take():
                await self._serve(group)
        finally:  # at once, not when the loop says that the task is done: whoever asks in between would be left waiting
            self._tasks.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _take(self) -> list[_Call]:
        """Return the next group, in the order of its keys: two groups that lock rows in one order can't deadlock."""
        now = asyncio.get_running_loop().time()
        group: dict[Any, _Call] = {}
        again: list[_Call] = []
        while self._waiting and len(group) < GROUP:
            call = self._waiting.popleft()
            if call.future.done():
                continue
            if call.deadline < now:
                call.future.set_exception(TemporarilyUnavailable("store: no connection came free"))
            elif group.setdefault(call.key, call) is not call:
                again.append(call)
        self._waiting.extendleft(reversed(again))
        return [group[key] for key in sorted(group)]

    async def _serve(self, group: Sequence[_Call]) -> None:
        earliest = asyncio.get_running_loop().time() + LEAST_SECONDS
        deadline = max(earliest, min(call.deadline for call in group))
        try:
            rows = await self._run(self._sql, [call.arguments for call in group], deadline)
        except Exception as error:  # noqa: BLE001 - the lane outlives whatever happens; its callers hear of it
            await self._serve_each(group, error)
            return
        found = {row[self._key.column]: row for row in rows}
        for call in group:
            _settle(call, found.get(call.key))

    async def _serve_each(self, group: Sequence[_Call], error: Exception) -> None:
        if len(group) == 1 or not is_of_one_statement(error):
            for call in group:
                _fail(call, error)
            return
        for call in group:
            await self._serve([call])


def _settle(call: _Call, row: Row | None) -> None:
    if not call.future.done():  # else cancelled meanwhile
        call.future.set_result([] if row is None else [row])


def _fail(call: _Call, error: Exception) -> None:
    if not call.future.done():
        # One error for each: an error that is raised twice gathers the traces of both.
        reason = error.reason if isinstance(error, TemporarilyUnavailable) else unavailable(error).reason
        call.future.set_exception(TemporarilyUnavailable(reason))
