"""The reader: all reads that wait share one snapshot, beside the writer and never in its way."""

import sqlite3
from collections.abc import Callable, Sequence

from keyturn.store.sql.script import Rows, Statement, drive
from keyturn.store.sql.sqlite.call import Call
from keyturn.store.sql.sqlite.opening import executing, translated, unavailable


class Reader:
    """Works on groups of reading scripts over one connection, made anew after a failure. For one thread."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._cursor: sqlite3.Cursor | None = None

    def work(self, calls: Sequence[Call]) -> None:
        """Run the scripts on the newest committed state, which is fixed by the first of them."""
        try:
            cursor = self._cursor = self._cursor or self._open()
            cursor.execute("BEGIN")
            execute = executing(cursor)
            for call in calls:
                _run(call, execute)
            cursor.execute("COMMIT")
        except sqlite3.Error as error:
            self.close()
            for call in calls:
                call.error = unavailable(error)
        if any(call.error for call in calls):
            self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._cursor:
            self._cursor.connection.close()
            self._cursor = None

    def _open(self) -> sqlite3.Cursor:
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON")
        return connection.cursor()


def _run(call: Call, execute: Callable[[Statement], Rows]) -> None:
    try:
        call.result = drive(call.script, execute)
    except Exception as error:  # noqa: BLE001 - a row that can't be understood is its reader's to see
        call.fail(translated(error))
