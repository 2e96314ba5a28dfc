"""Where it is kept. The scheme of ``database.url`` chooses the backend; the rest is the ports in `core.ports`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from keyturn.core.ports import Store
from keyturn.errors import ConfigurationError
from keyturn.store.sql.migrations import SchemaStatus
from keyturn.store.sql.sqlite import schema as sqlite_schema
from keyturn.store.sql.sqlite.database import SqliteConnection
from keyturn.store.sql.store import SqlStore

__all__ = ["SchemaStatus", "open_store", "status", "upgrade"]


async def open_store(url: str, *, pooler: str = "", redis_url: str = "") -> Store:
    """Open the store that ``database.url`` names. Never creates a database and never migrates one.

    Args:
        url: ``database.url``.
        pooler: ``database.pooler``.
        redis_url: ``redis.url``; empty for a store of SQL alone.

    Raises:
        ConfigurationError: a URL is not understood, the database is missing or unusable, or its schema is older or
            newer than this release's.

    """
    if pooler or redis_url:
        raise ConfigurationError("database.pooler, redis.url: SQLite takes neither; leave them empty.")
    return await _backend(url).open_store(url)


async def upgrade(url: str) -> list[str]:
    """Create the database if it is missing and bring its schema to the newest version; return what was applied.

    Raises:
        ConfigurationError: the URL is not understood, or the database is unusable or newer than this release.

    """
    return await _backend(url).upgrade(url)


async def status(url: str) -> SchemaStatus:
    """Return which schema the database has, and which this release needs. Changes nothing.

    Raises:
        ConfigurationError: the URL is not understood or the database is unusable.

    """
    return await _backend(url).status(url)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backend:
    open_store: Callable[[str], Awaitable[Store]]
    upgrade: Callable[[str], Awaitable[list[str]]]
    status: Callable[[str], Awaitable[SchemaStatus]]


async def _open_sqlite(url: str) -> Store:
    path = await asyncio.to_thread(sqlite_schema.check, url)
    return SqlStore(SqliteConnection(path))


async def _upgrade_sqlite(url: str) -> list[str]:
    return await asyncio.to_thread(sqlite_schema.upgrade, url)


async def _status_sqlite(url: str) -> SchemaStatus:
    return await asyncio.to_thread(sqlite_schema.status, url)


_BACKENDS: Final = {
    "sqlite": _Backend(open_store=_open_sqlite, upgrade=_upgrade_sqlite, status=_status_sqlite),
}


def _backend(url: str) -> _Backend:
    scheme, colon, _ = url.partition(":")
    backend = _BACKENDS.get(scheme)
    if not (colon and backend):
        raise ConfigurationError(f"database.url: it must start with one of {', '.join(f'{s}://' for s in _BACKENDS)}.")
    return backend
