"""Where it is kept. The scheme of ``database.url`` chooses the backend; the rest is the ports in `core.ports`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from keyturn.core.ports import Store
from keyturn.errors import ConfigurationError
from keyturn.store.redis.location import Location, parse_location
from keyturn.store.sql.migrations import SchemaStatus
from keyturn.store.sql.sqlite import schema as sqlite_schema
from keyturn.store.sql.sqlite.database import SqliteConnection
from keyturn.store.sql.store import SqlStore
from keyturn.store.sql.survey import Question, Survey

__all__ = ["Question", "SchemaStatus", "Survey", "open_store", "status", "survey", "upgrade"]


async def open_store(
    url: str, *, pooler: str = "", redis_url: str = "", on_fallback: Callable[[str], object] = lambda _: None
) -> Store:
    """Open the store that ``database.url`` names. Never creates a database and never migrates one.

    Args:
        url: ``database.url``.
        pooler: ``database.pooler``.
        redis_url: ``redis.url``; empty for a store of SQL alone. Redis need not be there.
        on_fallback: called each time that the database does what Redis does otherwise, with the reason in one word.

    Raises:
        ConfigurationError: a URL is not understood, the database is missing or unusable, or its schema is older or
            newer than this release's.
        TemporarilyUnavailable: the database does not answer; trying again may help.

    """
    location = parse_location(redis_url) if redis_url else None
    store = await _backend(url).open_store(url, pooler)
    return store if location is None else await _with_redis(store, location, on_fallback)


async def upgrade(url: str) -> list[str]:
    """Bring the schema to the newest version; return what was applied. An SQLite file that is missing is made.

    Raises:
        ConfigurationError: the URL is not understood, or the database is unusable or newer than this release.
        TemporarilyUnavailable: the database does not answer; trying again may help.

    """
    return await _backend(url).upgrade(url)


async def status(url: str) -> SchemaStatus:
    """Return which schema the database has, and which this release needs. Changes nothing.

    Raises:
        ConfigurationError: the URL is not understood or the database is unusable.
        TemporarilyUnavailable: the database does not answer; trying again may help.

    """
    return await _backend(url).status(url)


async def survey(url: str, question: Question) -> Survey:
    """Return what the database holds, whose schema has to be the newest. Changes nothing.

    Raises:
        ConfigurationError: the URL is not understood or the database is unusable.
        TemporarilyUnavailable: the database does not answer; trying again may help.

    """
    return await _backend(url).survey(url, question)


async def _with_redis(store: Store, location: Location, on_fallback: Callable[[str], object]) -> Store:
    try:
        from keyturn.store.redis.store import RedisStore  # noqa: PLC0415 - the driver is an extra
    except ModuleNotFoundError as error:
        await store.close()
        if error.name != "redis":
            raise
        raise ConfigurationError("redis.url: this needs the Redis driver; run: pip install 'keyturn[redis]'.") from None
    return RedisStore(store, location, on_fallback=on_fallback)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backend:
    open_store: Callable[[str, str], Awaitable[Store]]
    upgrade: Callable[[str], Awaitable[list[str]]]
    status: Callable[[str], Awaitable[SchemaStatus]]
    survey: Callable[[str, Question], Awaitable[Survey]]


async def _open_sqlite(url: str, pooler: str) -> Store:
    if pooler:
        raise ConfigurationError("database.pooler: SQLite has no pooler; leave it empty.")
    path = await asyncio.to_thread(sqlite_schema.check, url)
    return SqlStore(SqliteConnection(path))


async def _upgrade_sqlite(url: str) -> list[str]:
    return await asyncio.to_thread(sqlite_schema.upgrade, url)


async def _status_sqlite(url: str) -> SchemaStatus:
    return await asyncio.to_thread(sqlite_schema.status, url)


async def _survey_sqlite(url: str, question: Question) -> Survey:
    return await asyncio.to_thread(sqlite_schema.survey, url, question)


def _sqlite() -> _Backend:
    return _Backend(open_store=_open_sqlite, upgrade=_upgrade_sqlite, status=_status_sqlite, survey=_survey_sqlite)


def _postgres() -> _Backend:
    try:
        from keyturn.store.sql.postgres import backend  # noqa: PLC0415 - the driver is an extra
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise ConfigurationError(
            "database.url: this needs the PostgreSQL driver; run: pip install 'keyturn[postgres]'."
        ) from None
    return _Backend(
        open_store=backend.open_store, upgrade=backend.upgrade, status=backend.status, survey=backend.survey
    )


_BACKENDS: Final = {"sqlite": _sqlite, "postgresql": _postgres, "postgres": _postgres}


def _backend(url: str) -> _Backend:
    scheme, colon, _ = url.partition(":")
    backend = _BACKENDS.get(scheme)
    if not (colon and backend):
        raise ConfigurationError(f"database.url: it must start with one of {', '.join(f'{s}://' for s in _BACKENDS)}.")
    return backend()
