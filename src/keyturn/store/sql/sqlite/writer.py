"""The writer: one transaction for all steps that wait, so that they share one flush to the disk (group commit).

Each step stands in a savepoint of its own and fails alone. Nobody hears of an outcome before the commit that makes it
durable; if that fails, nothing was changed for any of them.
"""

import sqlite3
from collections.abc import Callable, Sequence

from keyturn.store.sql.script import Rows, Statement, drive
from keyturn.store.sql.sqlite.call import Call
from keyturn.store.sql.sqlite.link import Link
from keyturn.store.sql.sqlite.opening import executing, translated, unavailable


class Writer:
    """Works on groups of steps over one connection. For one thread."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def work(self, calls: Sequence[Call]) -> None:
        """Run the scripts in one transaction and commit it."""
        try:
            cursor = self._link.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            execute = executing(cursor)
            for call in calls:
                _run_alone(call, cursor, execute)
            cursor.execute("COMMIT")
        except sqlite3.Error as error:
            self._link.close()
            for call in calls:
                call.error = unavailable(error)


def _run_alone(call: Call, cursor: sqlite3.Cursor, execute: Callable[[Statement], Rows]) -> None:
    """Run one script so that its failure undoes nothing but itself.

    Raises:
        sqlite3.Error: SQLite gave up the whole transaction.

    """
    cursor.execute("SAVEPOINT step")
    try:
        call.result = drive(call.script, execute)
    except Exception as error:
        if not cursor.connection.in_transaction:
            raise
        cursor.execute("ROLLBACK TO step")
        call.fail(translated(error))
    cursor.execute("RELEASE step")
