"""A database from which, or into which, whole tables are copied: one transaction, and no step of the store.

Each backend has two functions of a URL that give one: ``reading``, which sees one moment of the database, and
``writing``, which commits at the end, or leaves nothing behind if it is left by an error.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

from keyturn.store.sql.script import Row

BATCH: Final = 5000
"""Rows that are in memory at once."""


class Bulk(Protocol):
    """One transaction on a database. Names of tables and columns go into the SQL as they are: they are our own."""

    async def fetch(self, sql: str) -> Sequence[Row]:
        """Do a statement without parameters and return its rows."""
        ...

    async def columns(self, table: str) -> Sequence[str]:
        """Return the names of the table's columns."""
        ...

    def rows(self, table: str, columns: Sequence[str]) -> AsyncIterator[Sequence[Row]]:
        """Return every row of the table, up to `BATCH` at a time."""
        ...

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add *rows* to the table."""
        ...
