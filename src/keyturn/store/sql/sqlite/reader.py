"""The reader: all reads that wait share one snapshot, beside the writer and never in its way."""

import sqlite3
from collections.abc import Callable, Sequence

from keyturn.store.sql.script import Rows, Statement, drive
from keyturn.store.sql.sqlite.call import Call
from keyturn.store.sql.sqlite.link import Link
from keyturn.store.sql.sqlite.opening import executing, translated, unavailable


class Reader:
    """Works on groups of reading scripts over one connection. For one thread."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def work(self, calls: Sequence[Call]) -> None:
        """Run the scripts on the newest committed state, which is fixed by the first of them."""
        try:
            cursor = self._link.cursor()
            cursor.execute("BEGIN")
            execute = executing(cursor)
            for call in calls:
                _run(call, execute)
            cursor.execute("COMMIT")
        except sqlite3.Error as error:
            self._link.close()
            for call in calls:
                call.error = unavailable(error)
        if any(call.error for call in calls):
            self._link.close()


def _run(call: Call, execute: Callable[[Statement], Rows]) -> None:
    try:
        call.result = drive(call.script, execute)
    except Exception as error:  # noqa: BLE001 - a row that can't be understood is its reader's to see
        call.fail(translated(error))
