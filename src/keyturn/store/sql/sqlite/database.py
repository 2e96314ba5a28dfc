"""The SQLite database as a `Connection`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from keyturn.store.sql.script import Script
from keyturn.store.sql.sqlite.call import Call
from keyturn.store.sql.sqlite.checkpointer import Checkpointer
from keyturn.store.sql.sqlite.link import Link
from keyturn.store.sql.sqlite.opening import connect, connect_to_read
from keyturn.store.sql.sqlite.reader import Reader
from keyturn.store.sql.sqlite.worker import Worker
from keyturn.store.sql.sqlite.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")


class SqliteConnection:
    """Its threads serve any number of event loops."""

    def __init__(self, path: Path) -> None:
        writing, reading = Link(path, connect=connect), Link(path, connect=connect_to_read)
        self._writer = Worker("keyturn-writer", Writer(writing).work, writing.close)
        self._reader = Worker("keyturn-reader", Reader(reading).work, reading.close)
        self._checkpointer = Checkpointer(path, self._writer.interject)

    def read(self, step: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run a script that only reads. It sees every write that was awaited before."""
        call = Call(step(*args, **kwargs))
        self._reader.submit(call)
        return call.future

    def write(self, step: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run a script as one atomic step, which is durable when this returns."""
        call = Call(step(*args, **kwargs))
        self._writer.submit(call)
        return call.future

    def write_singly(self, step: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Do what `write` does: a group shares one transaction anyway."""
        return self.write(step, *args, **kwargs)

    async def now_ms(self) -> int | None:
        """Return None: the database is in this process, and its clock is ours."""
        return None

    async def wait_for_news(self, seconds: float) -> None:
        """Wait: nobody tells one process of another's writes."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Finish what was asked for, move the log into the database and end the threads."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._reader.close()
        self._checkpointer.close()
