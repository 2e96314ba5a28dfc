"""The checkpointer: moves the write-ahead log into the database beside the writer, which then never stops for it.

A passive checkpoint gets in nobody's way, but the log can only start over when it has all been moved at one moment, and
under constant load that moment never comes. So beyond `LOG_LIMIT_PAGES` the writer moves the last part itself, between
two groups: another thread would hardly ever find its lock free.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from threading import Event, Thread

from keyturn.store.sql.sqlite.opening import connect

EVERY_SECONDS = 0.25

LOG_LIMIT_PAGES = 16 * 1024
"""Pages of log, 64 MiB, beyond which the writer helps."""

PATIENCE_SECONDS = 0.1
"""How long the writer then waits for readers, so that the log can start over."""

PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)"
RESTART = "PRAGMA wal_checkpoint(RESTART)"
TRUNCATE = "PRAGMA wal_checkpoint(TRUNCATE)"


class Checkpointer:
    """A thread of its own. *interject* makes the writer run something between two groups."""

    def __init__(self, path: Path, interject: Callable[[Callable[[], None]], None]) -> None:
        self._path = path
        self._interject = interject
        self._log = path.with_name(f"{path.name}-wal")
        self._done_at = 0
        self._limit = LOG_LIMIT_PAGES
        self._closing = Event()
        self._thread = Thread(target=self._run, name="keyturn-checkpointer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Move what is left, empty the log and end the thread. Blocks until then; call it after the writer closed."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(EVERY_SECONDS):
            # The next turn tries again. If none ever succeeds the disk fills, and then the writer says so.
            with suppress(sqlite3.Error, OSError):
                self._turn()
        with suppress(sqlite3.Error):
            self._checkpoint(TRUNCATE)

    def _turn(self) -> None:
        written_at = self._log.stat().st_mtime_ns
        if written_at == self._done_at:
            return
        _, pages = self._checkpoint(PASSIVE)
        if pages > self._limit:
            self._checkpoint(PASSIVE)  # what came meanwhile, so that little is left for the writer
            self._interject(self._restart)
        self._done_at = written_at

    def _restart(self) -> None:
        """Make the log start over. Where a reader stays for long, the writer must not wait for it again and again."""
        with suppress(sqlite3.Error):
            busy, pages = self._checkpoint(RESTART)
            self._limit = 2 * pages if busy else LOG_LIMIT_PAGES

    def _checkpoint(self, pragma: str) -> tuple[int, int]:
        """Return whether something was in the way, and the pages of the log."""
        with closing(connect(self._path, busy_seconds=PATIENCE_SECONDS)) as connection:
            busy, pages, _ = connection.execute(pragma).fetchone()
        return busy, pages
