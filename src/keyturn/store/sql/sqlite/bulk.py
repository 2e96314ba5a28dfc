"""An SQLite file as a `Bulk`. It blocks the event loop: only a command of its own copies tables."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Final

from keyturn.store.sql.bulk import BATCH
from keyturn.store.sql.script import Row
from keyturn.store.sql.sqlite.checkpointer import TRUNCATE
from keyturn.store.sql.sqlite.opening import connect, connect_to_read
from keyturn.store.sql.sqlite.schema import check, explained

LARGE_CACHE: Final = "PRAGMA cache_size = -262144"
"""256 MiB: handles come in no order, so every part of their index is written all the time."""


@asynccontextmanager
async def reading(url: str) -> AsyncIterator["SqliteBulk"]:
    """Give the file as it is at one moment, whoever writes meanwhile.

    Raises:
        ConfigurationError: it can't be used; says what to do.

    """
    path = check(url)
    with _explaining(path):
        connection = connect_to_read(path)
    with closing(connection):
        connection.execute("BEGIN")
        yield SqliteBulk(connection, path)


@asynccontextmanager
async def writing(url: str) -> AsyncIterator["SqliteBulk"]:
    """Give the file for one transaction, beside which nobody else writes.

    Raises:
        ConfigurationError: it can't be used; says what to do.

    """
    path = check(url)
    with _explaining(path):
        connection = connect(path)
    with closing(connection):
        with _explaining(path):
            connection.execute(LARGE_CACHE)
            connection.execute("BEGIN IMMEDIATE")
        yield SqliteBulk(connection, path)
        with _explaining(path):
            connection.execute("COMMIT")
            connection.execute(TRUNCATE)


class SqliteBulk:
    """One transaction on the file at *path*."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    async def fetch(self, sql: str) -> Sequence[Row]:
        """Do a statement without parameters and return its rows."""
        with _explaining(self._path):
            return self._connection.execute(sql).fetchall()

    async def columns(self, table: str) -> Sequence[str]:
        """Return the names of the table's columns."""
        with _explaining(self._path):
            return [name for (name,) in self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]

    async def rows(self, table: str, columns: Sequence[str]) -> AsyncIterator[Sequence[Row]]:
        """Return every row of the table, up to `BATCH` at a time."""
        sql = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 - our own names
        with _explaining(self._path):
            cursor = self._connection.execute(sql)
        while batch := self._next(cursor):
            yield batch

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add *rows* to the table."""
        places = ", ".join("?" for _ in columns)
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - our own names
        with _explaining(self._path):
            self._connection.executemany(sql, rows)

    def _next(self, cursor: sqlite3.Cursor) -> Sequence[Row]:
        with _explaining(self._path):
            return cursor.fetchmany(BATCH)


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    """Say what an error of SQLite's means, and of which file: another may be open beside it."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(path, error) from None
