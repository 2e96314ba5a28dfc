"""Backups of a running server's database and their restoring, by the tools that the handbook of operations names."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from server import Installation


def back_up(installation: Installation) -> Path:
    """Copy the database while servers run; return the copy."""
    copy = installation.folder / "backup"
    if installation.database.exists():
        with closing(sqlite3.connect(installation.database)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
    else:
        _run("pg_dump", "--format=custom", f"--file={copy}", installation.database_url)
    return copy


def restore(installation: Installation, copy: Path) -> None:
    """Put a copy in the place of the database, which no server uses now."""
    if installation.database.exists():
        for path in installation.folder.glob("keyturn.db*"):
            path.unlink()
        shutil.copy(copy, installation.database)
        installation.database.chmod(0o600)
    else:
        _run("pg_restore", "--clean", "--if-exists", f"--dbname={installation.database_url}", str(copy))


def _run(program: str, *arguments: str) -> None:
    from postgres import shared  # noqa: PLC0415 - it starts a server

    done = subprocess.run([shared()._program(program), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
