"""Whether anybody else on the machine can read or replace a database, which holds password hashes and live sessions."""

import os
import shlex
import stat
from pathlib import Path

from keyturn.errors import ConfigurationError


def check_private(path: Path) -> None:
    """Return if the file at *path* is its owner's alone, with SQLite's log files beside it.

    Others may list its directory, but not put another file in its place. On Windows modes say nothing, and all is well.

    Raises:
        ConfigurationError: others can read or write it; says the command that mends it.

    """
    if os.name != "posix":
        return
    real = path.resolve()
    shared = [file for file in _files(real) if _mode(file) & (stat.S_IRWXG | stat.S_IRWXO)]
    if shared:
        raise ConfigurationError(
            f"database.url: others can read or write {path}, which holds password hashes and sessions;"
            f" run: chmod 600 {shlex.join(map(str, shared))}."
        )
    for folder in (path.parent, real.parent):
        if _is_everybodys(_mode(folder)):
            raise ConfigurationError(
                f"database.url: everybody can put another file in the place of {path};"
                f" run: chmod o-w {shlex.quote(str(folder))}."
            )


def _files(path: Path) -> list[Path]:
    """Return the database and what SQLite keeps beside it while it is open, or after a crash."""
    return [path.with_name(f"{path.name}{suffix}") for suffix in ("", "-wal", "-shm")]


def _is_everybodys(mode: int) -> bool:
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX  # the sticky bit lets owners alone replace a file


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError:  # whoever closes the database last deletes its log files
        return 0
