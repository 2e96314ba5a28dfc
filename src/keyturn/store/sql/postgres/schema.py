"""The schema of a PostgreSQL database: its status, its upgrade, and the refusal to serve an unfit one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from keyturn.errors import ConfigurationError
from keyturn.store.sql.migrations import CURRENT, SchemaStatus, apply_missing, check_version, newest_version
from keyturn.store.sql.postgres.database import NOW_MS
from keyturn.store.sql.postgres.faults import FAULTS
from keyturn.store.sql.postgres.location import Location, location_of
from keyturn.store.sql.postgres.opening import connect_to_manage, explained
from keyturn.store.sql.postgres.pool import Connection
from keyturn.store.sql.postgres.statements import execute
from keyturn.store.sql.script import drive_async
from keyturn.store.sql.survey import DatabaseServer, Question, Survey
from keyturn.store.sql.survey import survey as surveying

# Of one transaction, so that it also holds through a pooler. The number is ours: "keyturn" in ASCII.
LOCK = f"SELECT pg_advisory_xact_lock({int.from_bytes(b'keyturn', 'big')})"

IS_SUPERUSER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"

HAS_VERSIONS = "SELECT to_regclass('schema_version') IS NOT NULL"


async def status(url: str) -> SchemaStatus:
    """Return what schema the database has, 0 for none. Changes nothing.

    Raises:
        ConfigurationError: the URL, the user or the password is wrong, or there is no such database.
        TemporarilyUnavailable: the server does not answer.

    """
    async with _managing(location_of(url)) as connection:
        return await _found(connection)


async def survey(url: str, question: Question) -> Survey:
    """Return what the database holds, at the time of its clock; its schema has to be the newest. Changes nothing.

    Raises:
        ConfigurationError: the URL, the user or the password is wrong.
        TemporarilyUnavailable: the server does not answer.

    """
    async with _managing(location_of(url)) as connection, connection.transaction(readonly=True):
        server = DatabaseServer(
            now_ms=await connection.fetchval(NOW_MS),
            is_superuser=await connection.fetchval(IS_SUPERUSER),
            is_durable=await connection.fetchval("SHOW synchronous_commit") != "off",
        )
        asked = replace(question, now=server.now_ms // 1000)
        return replace(await drive_async(surveying(asked), partial(execute, connection)), server=server)


async def upgrade(url: str) -> list[str]:
    """Bring the schema of an existing database to the newest version; return what was applied.

    Any number of processes may do this at once: one does it, the others wait and have nothing left to do.

    Raises:
        ConfigurationError: the URL, the user or the password is wrong, there is no such database, or its schema is
            newer.
        TemporarilyUnavailable: the server does not answer.

    """
    async with _managing(location_of(url)) as connection, connection.transaction():
        await connection.execute(LOCK)
        found = await _found(connection)
        if found.current > found.newest:
            check_version(found, named=_NAMED)
        return await drive_async(apply_missing("postgres"), partial(execute, connection))


async def check(url: str) -> Location:
    """Return the location of the database if it can be served.

    Raises:
        ConfigurationError: it can't be written, its commits are not durable, or its schema is not ours; it says what
            to do.
        TemporarilyUnavailable: the server does not answer.

    """
    location = location_of(url)
    async with _managing(location) as connection:
        check_version(await _found(connection), named=_NAMED)
        _check_durability(await connection.fetchval("SHOW synchronous_commit"))
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE schema_version SET name = name")
        await transaction.rollback()
    return location


@asynccontextmanager
async def _managing(location: Location) -> AsyncIterator[Connection]:
    connection = await connect_to_manage(location)
    try:
        yield connection
    except FAULTS as error:
        raise explained(error) from None
    finally:
        connection.terminate()


async def _found(connection: Connection) -> SchemaStatus:
    known = await connection.fetchval(HAS_VERSIONS)
    current = await connection.fetchval(CURRENT) if known else 0
    return SchemaStatus(current=current, newest=newest_version())


def _check_durability(synchronous_commit: str) -> None:
    if synchronous_commit == "off":
        raise ConfigurationError(
            "database.url: synchronous_commit is off, so that a crash of the server could undo a logout that was"
            " answered; run 'ALTER ROLE … SET synchronous_commit = on' for this user."
        )


_NAMED = "the database"
