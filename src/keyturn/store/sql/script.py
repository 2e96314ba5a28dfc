"""A step of the store as a script: a generator that yields SQL and is sent the rows. It does no I/O itself.

So one script serves a driver that blocks a thread and a driver that awaits a socket, and a step of several statements
reads from top to bottom. A driver runs a script as one transaction, or as a part of one that fails alone.

The SQL is what SQLite 3.35 and PostgreSQL 15 both understand, with ``:name`` for a parameter.
"""

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Value: TypeAlias = str | int | bytes | None
Statement: TypeAlias = tuple[str, Mapping[str, Value]]
Row: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = Sequence[Row]
Script: TypeAlias = Generator[Statement, Rows, T]


class AnyText(str):
    """SQL that reads what somebody may have tampered with: text that is no UTF-8 comes with surrogates in it.

    Only SQLite keeps such text. Other SQL fails where it meets it.
    """

    __slots__ = ()


class Abort(Exception):
    """Raised by a script to undo all that it did and still return *result* to its caller."""

    def __init__(self, result: object) -> None:
        super().__init__()
        self.result = result


def drive(script: Script[T], execute: Callable[[Statement], Rows]) -> T:
    """Run *script* to its end with a function that does a statement and waits for its rows; return its result.

    Raises:
        Abort: the script wants to be undone.
        Exception: whatever *execute* and the script raise.

    """
    try:
        statement = next(script)
        while True:
            statement = script.send(execute(statement))
    except StopIteration as stop:
        result: T = stop.value
        return result


async def drive_async(script: Script[T], execute: Callable[[Statement], Awaitable[Rows]]) -> T:
    """Do what `drive` does with a function whose rows are awaited.

    Raises:
        Abort: the script wants to be undone.
        Exception: whatever *execute* and the script raise.

    """
    try:
        statement = next(script)
        while True:
            statement = script.send(await execute(statement))
    except StopIteration as stop:
        result: T = stop.value
        return result


class Connection(Protocol):
    """Where scripts run. Raises `TemporarilyUnavailable` if the database can't answer; then nothing was changed.

    It is given the function that makes the script, and what to call it with: a step that a deadlock has undone is
    made and run anew.
    """

    def read(self, step: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run a script that only reads. It sees every write that was awaited before."""
        ...

    def write(self, step: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run a script as one atomic step, which is durable when this returns.

        A caller that is cancelled meanwhile does not learn whether the step happened; it happened whole or not at all.
        """
        ...

    def write_singly(self, step: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run a script whose statements may each commit for themselves: a transaction around them would add nothing.

        For what is decided by its first statement alone, such as a refresh.
        """
        ...

    async def now_ms(self) -> int | None:
        """Return the time of the database's clock in epoch milliseconds; None where it is this process's own."""
        ...

    async def wait_for_news(self, seconds: float) -> None:
        """Return when another process may have appended to the revocation log, at the latest after *seconds*."""
        ...

    async def close(self) -> None:
        """Finish what was asked for and let go of every resource."""
        ...
