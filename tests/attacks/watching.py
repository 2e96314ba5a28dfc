"""What a piece of code asks of the operating system: files, sockets, processes, databases, imports."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_OF_INTEREST = (
    *("open", "os.", "socket.", "subprocess.", "sqlite3.", "shutil.", "ssl.", "http.", "urllib.", "import", "exec"),
    *("compile", "pickle.", "marshal.", "ctypes.", "pty.", "tempfile.", "glob."),
)
_logs: list[list[str]] = []


@contextmanager
def watching() -> Iterator[list[str]]:
    """Return a list that gets the name of every such event of this process while the ``with`` lasts."""
    _watch()
    log: list[str] = []
    _logs.append(log)
    try:
        yield log
    finally:
        _logs.remove(log)


def _watch() -> None:
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_note)  # there is no way to take it out again


def _note(event: str, arguments: Any) -> None:
    if _logs and event.startswith(_OF_INTEREST):
        for log in _logs:
            log.append(event)


_installed: list[bool] = []
