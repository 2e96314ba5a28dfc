"""One thread's connection to the database file, made anew after a failure, or when the path leads to another file.

SQLite goes on with a file that was deleted or replaced under it, and what it then calls durable is gone at the next
start. So whoever works on a group of calls first looks whether the file is still the one that was opened.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path


class Link:
    """A cursor on the file at *path*. For one thread."""

    def __init__(self, path: Path, *, connect: Callable[[Path], sqlite3.Connection]) -> None:
        self._path = path
        self._connect = connect
        self._cursor: sqlite3.Cursor | None = None
        self._file: tuple[int, int] | None = None

    def cursor(self) -> sqlite3.Cursor:
        """Return the cursor on the file that is there now.

        Raises:
            sqlite3.Error: it is missing or can't be opened.

        """
        there = self._file_there()
        if there != self._file:
            self.close()
        if self._cursor is None:
            self._cursor = self._connect(self._path).cursor()
            self._file = there
        return self._cursor

    def close(self) -> None:
        """Close the connection; what is not committed is undone."""
        if self._cursor is not None:
            self._cursor.connection.close()
            self._cursor = None

    def _file_there(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
