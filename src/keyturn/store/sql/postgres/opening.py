"""Opening a connection: how each of ours is set up, and what it means when none can be had at the start."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from keyturn.errors import ConfigurationError, KeyturnError, TemporarilyUnavailable
from keyturn.store.sql.postgres.faults import FAULTS
from keyturn.store.sql.postgres.location import Location
from keyturn.store.sql.postgres.pool import Connection

STATEMENTS: Final = 256
"""Prepared statements that a connection keeps: more than we have."""

# The server bounds what we may have left behind, as after the death of this process: nobody waits longer for its locks.
_SETTINGS: Final = {
    "application_name": "keyturn",
    "default_transaction_isolation": "read committed",
    "lock_timeout": "4s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
    "jit": "off",
}

_OLDEST: Final = (15, 0)


class Connector:
    """Makes the connections for steps.

    Of several hosts the one that was good last is tried first, and each gets its share of the time: one that is gone
    without a word, as after a loss of power, must not use it up.

    A pooler in transaction mode gives each transaction another server's session: nothing may be kept in one, neither
    settings nor prepared statements.

    Args:
        location: where the database is.
        pooler: ``database.pooler``.

    """

    def __init__(self, location: Location, *, pooler: str) -> None:
        self._urls = list(location.urls)
        self._options: dict[str, Any] = {
            "statement_cache_size": 0 if pooler else STATEMENTS,
            "max_cached_statement_lifetime": 0,
            "server_settings": {"application_name": "keyturn"} if pooler else _SETTINGS,
        }

    async def connect(self, deadline: float) -> Connection:
        """Return a connection before the *deadline* of the event loop's clock.

        Raises:
            Exception: one of `FAULTS`; none can be had.

        """
        connection, url = await _connect_to_one(self._urls, deadline, **self._options)
        self._urls.sort(key=lambda one: one != url)
        return connection


async def connect_to_manage(location: Location) -> Connection:
    """Return a connection that is set up for no more than a look or an upgrade, through a pooler too.

    Raises:
        ConfigurationError: the URL, the user, the password or the database is wrong.
        TemporarilyUnavailable: the server does not answer. A start that is tried again may go well.

    """
    _check_files(location)
    try:
        connection, _ = await _connect_to_one(
            location.urls, _now() + _CONNECT_SECONDS, command_timeout=_MANAGE_SECONDS, statement_cache_size=0
        )
    except (*FAULTS, ValueError) as error:
        raise explained(error) from None
    if connection.get_server_version() < _OLDEST:
        connection.terminate()
        raise ConfigurationError(f"database.url: PostgreSQL {_OLDEST[0]} or newer is needed.")
    return connection


def explained(error: BaseException) -> KeyturnError:
    """Return what an operator is told of an error at the start; never a text that quotes the URL."""
    for kind, sentence in _SENTENCES:
        if isinstance(error, kind):
            return ConfigurationError(f"database.url: {sentence} ({type(error).__name__}).")
    return TemporarilyUnavailable(
        f"store: {type(error).__name__}",
        sentence=f"database.url: the database does not answer ({type(error).__name__}). Start it, or mend the address.",
    )


async def _connect_to_one(urls: Sequence[str], deadline: float, **options: Any) -> tuple[Connection, str]:  # noqa: ANN401 - asyncpg's own
    """Return a connection to the first of *urls* that gives one, and which it was."""
    for number, url in enumerate(list(urls), start=1):
        seconds = max((deadline - _now()) / (len(urls) - number + 1), 0.001)
        try:
            return await _connect_to_primary(url, timeout=seconds, **options), url
        except FAULTS:
            if number == len(urls):
                raise
    raise AssertionError("a location has a URL")


async def _connect_to_primary(url: str, **options: Any) -> Connection:  # noqa: ANN401 - asyncpg's own
    """Return a connection to a server that is no standby: what one reads there may be old, whatever the URL asks for.

    Raises:
        asyncpg.ReadOnlySQLTransactionError: it is one.

    """
    connection: Connection = await asyncpg.connect(url, **options)
    if getattr(connection.get_settings(), "in_hot_standby", None) == "on":
        connection.terminate()
        raise asyncpg.ReadOnlySQLTransactionError("a standby")
    return connection


def _now() -> float:
    return asyncio.get_running_loop().time()


def _check_files(location: Location) -> None:
    for name in ("sslrootcert", "sslcert", "sslkey", "sslcrl"):
        if name in location.options and not os.access(location.options[name], os.R_OK):
            raise ConfigurationError(f"database.url: the file that {name} names can't be read.")


_CONNECT_SECONDS: Final = 5.0
_MANAGE_SECONDS: Final = 600.0
_SENTENCES: Final[tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...]] = (
    (asyncpg.InvalidAuthorizationSpecificationError, "PostgreSQL does not take this user with this password"),
    (asyncpg.InvalidCatalogNameError, "PostgreSQL has no such database; make it with createdb"),
    (asyncpg.InsufficientPrivilegeError, "this user may not do what is needed; make it the owner of the database"),
    (asyncpg.ReadOnlySQLTransactionError, "the database is read-only; name the primary"),
    ((asyncpg.InterfaceError, ValueError), "it is not understood, or names files that can't be read"),
)
