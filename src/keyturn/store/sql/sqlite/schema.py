"""The schema of an SQLite file: its status, its upgrade, and the refusal to serve an unfit one."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from keyturn.errors import ConfigurationError
from keyturn.store.sql.migrations import (
    CURRENT,
    UPGRADE_HINT,
    SchemaStatus,
    apply_missing,
    check_version,
    newest_version,
)
from keyturn.store.sql.script import drive
from keyturn.store.sql.sqlite.opening import (
    BUSY_SECONDS,
    connect,
    connect_to_read,
    create,
    executing,
    is_missing,
    path_of,
)
from keyturn.store.sql.sqlite.privacy import check_private
from keyturn.store.sql.survey import Question, Survey
from keyturn.store.sql.survey import survey as surveying

HAS_VERSIONS = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'"

_SENTENCES = {
    sqlite3.SQLITE_NOTADB: "is not an SQLite database; name another file",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore it from a backup",
    sqlite3.SQLITE_READONLY: "can't be written; the file and its directory must be writable for this user",
    sqlite3.SQLITE_CANTOPEN: "can't be opened; it must be a file that is writable, with its directory, for this user",
    sqlite3.SQLITE_PERM: "can't be opened; it must be a file that is writable, with its directory, for this user",
    sqlite3.SQLITE_BUSY: "is locked by another process; end that first",
    sqlite3.SQLITE_FULL: "can't grow: the disk is full",
}


def status(url: str) -> SchemaStatus:
    """Return what schema the file has; version 0 if there is no file. Changes nothing.

    Raises:
        ConfigurationError: the file can't be read or is no database.

    """
    path = path_of(url)
    if is_missing(path):
        return SchemaStatus(current=0, newest=newest_version())
    try:
        with closing(connect(path)) as connection:
            return SchemaStatus(current=_current(connection), newest=newest_version())
    except sqlite3.Error as error:
        raise explained(path, error) from None


def survey(url: str, question: Question) -> Survey:
    """Return what the file holds; its schema has to be the newest. Changes nothing.

    Raises:
        ConfigurationError: the file can't be read.

    """
    path = path_of(url)
    try:
        # Not opened as read-only: then SQLite would leave its log files behind, for whoever writes next.
        with closing(connect_to_read(path)) as connection:
            connection.execute("BEGIN")
            return drive(surveying(question), executing(connection.cursor()))
    except sqlite3.Error as error:
        raise explained(path, error) from None


def upgrade(url: str) -> list[str]:
    """Create the file if it is missing and bring its schema to the newest version; return what was applied.

    Two processes may do this at once: one waits, and has nothing left to do.

    Raises:
        ConfigurationError: the file can't be created or written, is no database, or has a newer schema.

    """
    path = path_of(url)
    create(path)
    try:
        with closing(connect(path)) as connection:
            _use_write_ahead_log(connection)
            return _apply(connection, path)
    except sqlite3.Error as error:
        raise explained(path, error) from None


def check(url: str) -> Path:
    """Return the path of the file if it can be served.

    Raises:
        ConfigurationError: it is missing, can't be written, its schema is not ours, or others can read or write it;
            says what to do.

    """
    path = path_of(url)
    if is_missing(path):
        raise ConfigurationError(f"database.url: {path} does not exist; {UPGRADE_HINT}.")
    try:
        with closing(connect(path)) as connection:
            check_version(SchemaStatus(current=_current(connection), newest=newest_version()), named=str(path))
            _use_write_ahead_log(connection)
            _try_to_write(connection)
    except sqlite3.Error as error:
        raise explained(path, error) from None
    check_private(path)  # last: who owns the file comes before its mode
    return path


def explained(path: Path, error: sqlite3.Error) -> ConfigurationError:
    """Return what an operator is told of an error with the file at *path*."""
    what = _SENTENCES.get(_code(error), "can't be used")
    return ConfigurationError(f"database.url: {path} {what} ({getattr(error, 'sqlite_errorname', 'unknown error')}).")


def _current(connection: sqlite3.Connection) -> int:
    ((known,),) = connection.execute(HAS_VERSIONS)
    if not known:
        return 0
    ((version,),) = connection.execute(CURRENT)
    return int(version)


def _try_to_write(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    # SQLite makes that a reading transaction where the file is read-only, so only a statement tells.
    connection.execute("UPDATE schema_version SET name = name")
    connection.execute("ROLLBACK")


def _apply(connection: sqlite3.Connection, path: Path) -> list[str]:
    connection.execute("BEGIN IMMEDIATE")
    found = SchemaStatus(current=_current(connection), newest=newest_version())
    if found.current > found.newest:
        check_version(found, named=str(path))
    applied = drive(apply_missing("sqlite"), executing(connection.cursor()))
    connection.execute("COMMIT")
    return applied


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch it on for good. SQLite does not wait for others here, so we do."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
