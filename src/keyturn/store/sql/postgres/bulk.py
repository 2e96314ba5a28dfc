"""A PostgreSQL database as a `Bulk`."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from keyturn.store.sql.bulk import BATCH
from keyturn.store.sql.postgres.faults import FAULTS
from keyturn.store.sql.postgres.opening import connect_to_manage, explained
from keyturn.store.sql.postgres.pool import Connection
from keyturn.store.sql.postgres.schema import check
from keyturn.store.sql.script import Row

if TYPE_CHECKING:
    from asyncpg import Record
    from asyncpg.cursor import Cursor as AsyncpgCursor

    Cursor: TypeAlias = AsyncpgCursor[Record]

COLUMNS: Final = """
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


@asynccontextmanager
async def reading(url: str) -> AsyncIterator["PostgresBulk"]:
    """Give the database as it is at one moment, whoever writes meanwhile.

    Raises:
        ConfigurationError: it can't be used; says what to do.
        TemporarilyUnavailable: the server does not answer.

    """
    async with _transaction(url, "repeatable_read") as bulk:
        yield bulk


@asynccontextmanager
async def writing(url: str) -> AsyncIterator["PostgresBulk"]:
    """Give the database for one transaction.

    Raises:
        ConfigurationError: it can't be used; says what to do.
        TemporarilyUnavailable: the server does not answer.

    """
    async with _transaction(url, "read_committed") as bulk:
        yield bulk


@asynccontextmanager
async def _transaction(
    url: str, isolation: Literal["repeatable_read", "read_committed"]
) -> AsyncIterator["PostgresBulk"]:
    connection = await connect_to_manage(await check(url))
    try:
        transaction = connection.transaction(isolation=isolation)
        with _explaining():
            await transaction.start()
        yield PostgresBulk(connection)
        with _explaining():
            await transaction.commit()
    finally:
        connection.terminate()


class PostgresBulk:
    """One transaction on a database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, sql: str) -> Sequence[Row]:
        """Do a statement without parameters and return its rows."""
        with _explaining():
            return [tuple(record) for record in await self._connection.fetch(sql)]

    async def columns(self, table: str) -> Sequence[str]:
        """Return the names of the table's columns."""
        with _explaining():
            return [record[0] for record in await self._connection.fetch(COLUMNS, table)]

    async def rows(self, table: str, columns: Sequence[str]) -> AsyncIterator[Sequence[Row]]:
        """Return every row of the table, up to `BATCH` at a time."""
        sql = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 - our own names
        with _explaining():
            cursor = await self._connection.cursor(sql)
        while batch := await _next(cursor):
            yield batch

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add *rows* to the table."""
        with _explaining():
            await self._connection.copy_records_to_table(table, records=rows, columns=columns)


async def _next(cursor: "Cursor") -> Sequence[Row]:
    with _explaining():
        return [tuple(record) for record in await cursor.fetch(BATCH)]


@contextmanager
def _explaining() -> Iterator[None]:
    """Say what an error means; what PostgreSQL itself says may quote values."""
    try:
        yield
    except FAULTS as error:
        raise explained(error) from None
