"""Opening a database file: where it is, how each of our connections is set up, and what an error of SQLite's means."""

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from keyturn.errors import ConfigurationError, TemporarilyUnavailable
from keyturn.store.sql.script import AnyText, Rows, Statement

PREFIX = "sqlite:///"

BUSY_SECONDS = 5.0
"""How long a connection waits for another process's lock."""

CACHE_KIB = 8192
"""The page cache of a connection. The system's file cache holds the rest."""

_SETUP = (
    "PRAGMA synchronous = FULL",  # a commit is on the disk before anybody hears of it
    "PRAGMA wal_autocheckpoint = 0",  # the checkpointer does it beside the writer
    "PRAGMA temp_store = MEMORY",
    "PRAGMA trusted_schema = OFF",
    f"PRAGMA cache_size = -{CACHE_KIB}",
)


def path_of(url: str) -> Path:
    """Return the absolute path that ``sqlite:///relative.db`` or ``sqlite:////absolute.db`` names.

    Raises:
        ConfigurationError: it names no file.

    """
    name = url.removeprefix(PREFIX)
    if name == url or not name or name.endswith("/"):
        raise ConfigurationError("database.url: write sqlite:///relative.db or sqlite:////absolute/path.db.")
    if name == ":memory:":
        raise ConfigurationError("database.url: ':memory:' can't be shared by several connections; name a file.")
    if "?" in name or "#" in name:
        raise ConfigurationError("database.url: an SQLite URL takes no options; remove everything from '?' or '#' on.")
    return Path(name).absolute()


def connect(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Open an existing file for one thread's use.

    Raises:
        sqlite3.Error: it is missing or can't be opened.

    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=busy_seconds, isolation_level=None, cached_statements=256
    )
    return _set_up(connection, _SETUP)


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open an existing file for one thread that must not write.

    Raises:
        sqlite3.Error: it is missing or can't be opened.

    """
    return _set_up(connect(path), ("PRAGMA query_only = ON",))


def is_missing(path: Path) -> bool:
    """Tell whether there is surely no such file, rather than one that we may not see."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def create(path: Path) -> None:
    """Make an empty file that only we can read, and its directory, unless they exist.

    Raises:
        ConfigurationError: the system does not let us.

    """
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):  # it may have been made this very moment
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigurationError(f"database.url: {path} can't be created: {error.strerror}.") from None


def executing(cursor: sqlite3.Cursor) -> Callable[[Statement], Rows]:
    """Return the function that does a script's statements with *cursor*."""

    def execute(statement: Statement) -> Rows:
        if isinstance(statement[0], AnyText):
            return _execute_on_any_text(cursor, statement)
        return cursor.execute(*statement).fetchall()

    return execute


def unavailable(error: sqlite3.Error) -> TemporarilyUnavailable:
    """Return the error that callers see; its private reason is SQLite's name for what happened."""
    return TemporarilyUnavailable(f"store: {getattr(error, 'sqlite_errorname', type(error).__name__)}")


def translated(error: Exception) -> Exception:
    """Return what the caller of a failed script sees: `unavailable`, unless the mistake is in the script."""
    if isinstance(error, sqlite3.Error) and type(error) in {sqlite3.OperationalError, sqlite3.DatabaseError}:
        return unavailable(error)
    return error


def _execute_on_any_text(cursor: sqlite3.Cursor, statement: Statement) -> Rows:
    cursor.connection.text_factory = _any_text
    try:
        return cursor.execute(*statement).fetchall()
    finally:
        cursor.connection.text_factory = str


def _any_text(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _set_up(connection: sqlite3.Connection, pragmas: Iterable[str]) -> sqlite3.Connection:
    """Return *connection* after *pragmas*, or close it: the first of them finds out that the file is no database."""
    try:
        for pragma in pragmas:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
