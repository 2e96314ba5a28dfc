"""Copying everything from one database into another, of any kind, so that nobody is logged out.

The source is read as it is at one moment. The target is written in one transaction: it has everything, or nothing.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Final

from keyturn.errors import ConfigurationError, Conflict, TemporarilyUnavailable
from keyturn.store.sql.bulk import Bulk
from keyturn.store.sql.migrations import UPGRADE_HINT
from keyturn.store.sql.sqlite import bulk as sqlite
from keyturn.store.sql.tables import all_tables, single_row_tables

Told = Callable[[str, int], object]
"""Is told of the progress: a table, and how many of its rows have been copied."""

# Whoever changes the signing keys waits for this row, so a server that starts on the target too early makes none.
LOCK: Final = "UPDATE signing_keys_lock SET holders = holders + 1"

# Each login, refresh, ending and revocation moves one of these, and so does every operator's command.
MARKS: Final = """
SELECT (SELECT last FROM audit_sequence), (SELECT last FROM revocation_sequence),
    (SELECT count(*) FROM sessions), (SELECT MAX(rotated_at_ms) FROM sessions)
"""


async def copy(source_url: str, target_url: str, *, told: Told) -> Mapping[str, int]:
    """Copy everything; return the number of rows by table.

    Args:
        source_url: where it is; no server may use it meanwhile.
        target_url: where it goes: an upgraded and empty database.
        told: is called after each batch of rows.

    Raises:
        ConfigurationError: one of them can't be used, or has another schema than this release's.
        Conflict: the target is not empty, or the source was used meanwhile. The target was not changed.
        TemporarilyUnavailable: a server of databases does not answer; the target was not changed.

    """
    async with AsyncExitStack() as stack:
        source = await _open(stack, "--from", _backend(source_url, "--from").reading(source_url))
        target = await _open(stack, "--to", _backend(target_url, "--to").writing(target_url))
        await target.fetch(LOCK)
        await _check_empty(target)
        marks = await source.fetch(MARKS)
        counts = {table: await _copy_table(source, target, table, told) for table in all_tables()}
        later = await _open(stack, "--from", _backend(source_url, "--from").reading(source_url))
        if await later.fetch(MARKS) != marks:
            raise Conflict("source in use", sentence=_IN_USE)
    return counts


async def _copy_table(source: Bulk, target: Bulk, table: str, told: Told) -> int:
    columns = sorted(await source.columns(table))
    if columns != sorted(await target.columns(table)):
        raise ConfigurationError(f"--to: its table {table} is not that of this release; use a fresh database.")
    if table in single_row_tables():
        await target.fetch(f"DELETE FROM {table}")  # noqa: S608 - our own names
    copied = 0
    async for rows in source.rows(table, columns):
        await target.insert(table, columns, rows)
        copied += len(rows)
        told(table, copied)
    if await _count(target, table) != copied:
        raise Conflict("target in use", sentence="Somebody else writes into the target. Nothing was copied.")
    return copied


async def _check_empty(target: Bulk) -> None:
    for table in all_tables():
        if table not in single_row_tables() and await _count(target, table):
            raise Conflict(
                "target not empty",
                sentence=f"The target is not empty: it has rows in {table}. Copy into a fresh database; nothing was"
                " changed.",
            )


async def _count(bulk: Bulk, table: str) -> int:
    ((count,),) = await bulk.fetch(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
    return int(count)


async def _open(stack: AsyncExitStack, option: str, opening: AbstractAsyncContextManager[Bulk]) -> Bulk:
    """Open one of the two; what is wrong with it is said of the option that named it."""
    try:
        return await stack.enter_async_context(opening)
    except ConfigurationError as error:
        raise ConfigurationError(_said_of(option, error)) from None
    except TemporarilyUnavailable as error:
        raise TemporarilyUnavailable(error.reason, sentence=_said_of(option, error)) from None


def _said_of(option: str, error: Exception) -> str:
    said = str(error).replace("database.url:", f"{option}:", 1)
    if option == "--from":  # an upgrade would make an empty one
        said = said.replace(f"does not exist; {UPGRADE_HINT}", "does not exist")
    return said.replace(UPGRADE_HINT, f"{UPGRADE_HINT} with KEYTURN_DATABASE_URL set to it")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backend:
    reading: Callable[[str], AbstractAsyncContextManager[Bulk]]
    writing: Callable[[str], AbstractAsyncContextManager[Bulk]]


def _sqlite() -> _Backend:
    return _Backend(reading=sqlite.reading, writing=sqlite.writing)


def _postgres() -> _Backend:
    try:
        from keyturn.store.sql.postgres import bulk  # noqa: PLC0415 - the driver is an extra
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise ConfigurationError("PostgreSQL needs its driver; run: pip install 'keyturn[postgres]'.") from None
    return _Backend(reading=bulk.reading, writing=bulk.writing)


def _backend(url: str, option: str) -> _Backend:
    backend = _BACKENDS.get(url.partition(":")[0])
    if backend is None:
        raise ConfigurationError(f"{option}: write sqlite:///path/to/keyturn.db or postgresql://user@host/database.")
    return backend()


_BACKENDS: Final = {"sqlite": _sqlite, "postgresql": _postgres, "postgres": _postgres}
_IN_USE: Final = "The source was used meanwhile. Stop every server on it and try again; the target was not changed."
