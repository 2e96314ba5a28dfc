"""An unfit file stops the start with a sentence that says what is wrong."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from keyturn.errors import ConfigurationError
from keyturn.store import open_store, status, upgrade
from keyturn.store.sql.sqlite.opening import path_of
from keyturn.store.sql.sqlite.privacy import check_private

NOBODY = 65534

# What it imports may lie where nobody may look, so it gives up its rights only then.
OPEN = f"""
import os, sys
from pathlib import Path
from keyturn.errors import ConfigurationError
from keyturn.store.sql.migrations import newest_version
from keyturn.store.sql.sqlite.schema import check
newest_version()
Path("/").as_uri()
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
try:
    check(sys.argv[1])
except ConfigurationError as error:
    print(error)
"""


def test_a_url_names_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Three slashes are relative to the working directory, four are absolute."""
    monkeypatch.chdir(tmp_path)

    assert path_of("sqlite:///.keyturn/keyturn.db") == tmp_path / ".keyturn" / "keyturn.db"
    assert path_of("sqlite:////var/lib/a b%20c.db") == Path("/var/lib/a b%20c.db")


@pytest.mark.parametrize(
    "url", ["sqlite:", "sqlite://", "sqlite:///", "sqlite://a.db", "sqlite:///:memory:", "sqlite:///a.db?mode=memory"]
)
async def test_a_url_that_names_no_file_is_refused(url: str) -> None:
    """Memory databases and options included: several connections must see one database."""
    for function in (open_store, upgrade, status):
        with pytest.raises(ConfigurationError, match=r"^database\.url: "):
            await function(url)


async def test_the_file_and_its_directory_are_ours_alone(url: str, path: Path) -> None:
    """Nobody else reads the sessions, whatever the umask; the log files follow the database's mode."""
    store = await open_store(url)
    await store.ping()
    modes = {entry.name: oct(entry.stat().st_mode & 0o777) for entry in (path.parent, *path.parent.iterdir())}
    await store.close()

    assert modes.pop("data") == "0o700"
    assert set(modes.values()) == {"0o600"}
    assert len(modes) == 3


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666])
@pytest.mark.parametrize("name", ["keyturn.db", "keyturn.db-wal", "keyturn.db-shm"])
def test_a_file_that_others_can_read_or_write_is_refused(url: str, path: Path, name: str, mode: int) -> None:
    """KEY-10: the database and the log files beside it; the sentence says which command mends it."""
    file = path.with_name(name)
    file.touch(0o600)
    check_private(path)

    file.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"others can read or write .*; run: chmod 600 {file}[.]$"):
        check_private(path)


@pytest.mark.parametrize("mode", [0o777, 0o703, 0o707])
async def test_a_directory_that_everybody_can_write_is_refused(url: str, path: Path, mode: int) -> None:
    """KEY-10: there everybody can put another file in the place of the database."""
    path.parent.chmod(mode)

    with pytest.raises(ConfigurationError, match=f"put another file in the place of .*; run: chmod o-w {path.parent}"):
        await open_store(url)


@pytest.mark.parametrize("mode", [0o755, 0o711, 0o750, 0o1777])
async def test_a_directory_that_others_may_only_enter_is_taken(url: str, path: Path, mode: int) -> None:
    """The file is ours alone, and a sticky directory keeps strangers from replacing it."""
    path.parent.chmod(mode)

    await (await open_store(url)).close()


def test_a_link_counts_for_nothing(url: str, path: Path, tmp_path: Path) -> None:
    """KEY-10: judged is the file that it leads to."""
    link = tmp_path / "link.db"
    link.symlink_to(path)
    check_private(link)

    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match=f"chmod 600 {path}"):
        check_private(link)


async def test_a_name_with_url_characters_is_a_name(tmp_path: Path) -> None:
    """A percent sign or a space in the path is not decoded, and opens no other file."""
    url = f"sqlite:///{tmp_path}/a%20b c.db"
    await upgrade(url)

    await (await open_store(url)).close()

    assert (tmp_path / "a%20b c.db").is_file()


async def test_a_missing_file_or_directory_is_named(tmp_path: Path) -> None:
    """The sentence holds the path and the command."""
    with pytest.raises(ConfigurationError, match=r"/none/keyturn.db does not exist; run 'keyturn db upgrade'"):
        await open_store(f"sqlite:///{tmp_path}/none/keyturn.db")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("version", "mend"), [(None, "keyturn db upgrade"), (99, "this release knows")])
async def test_another_schema_is_refused(url: str, path: Path, version: int | None, mend: str) -> None:
    """Older and newer schemas are not served, and a newer one is not upgraded."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM schema_version")
        if version:
            connection.execute("INSERT INTO schema_version VALUES (?, 'later')", (version,))

    with pytest.raises(ConfigurationError, match=mend):
        await open_store(url)
    if version:
        with pytest.raises(ConfigurationError, match=mend):
            await upgrade(url)


@pytest.mark.parametrize("function", [open_store, upgrade, status])
async def test_another_kind_of_file_is_refused(tmp_path: Path, function: object) -> None:
    """It is left as it was."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear database,\n" * 100)

    with pytest.raises(ConfigurationError, match="is not an SQLite database"):
        await function(f"sqlite:///{path}")

    assert path.read_text().startswith("Dear database,")


async def test_a_directory_in_its_place_is_refused(tmp_path: Path) -> None:
    """A directory can't be opened."""
    for function in (open_store, upgrade, status):
        with pytest.raises(ConfigurationError, match="can't be opened"):
            await function(f"sqlite:///{tmp_path}")


async def test_a_path_that_can_not_be_made_is_refused(tmp_path: Path) -> None:
    """The system's own words say why."""
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="can't be created"):
        await upgrade(f"sqlite:///{tmp_path}/file/keyturn.db")


async def test_a_locked_file_is_told(impatient: None, url: str, path: Path) -> None:
    """A start while somebody holds the write lock gives up after the wait."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(ConfigurationError, match="is locked by another process"):
            await open_store(url)


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A directory that another user may enter, which the usual temporary one is not."""
    folder = Path(tempfile.mkdtemp(prefix="keyturn-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o777, 0o444), (0o555, 0o666), (0o777, 0o000), (0o000, 0o666)])
def test_a_file_without_permission_is_told(everybodys: Path, folder_mode: int, file_mode: int) -> None:
    """A file or directory that can't be written stops the start, not the first login."""
    path = everybodys / "data" / "keyturn.db"
    asyncio.run(upgrade(f"sqlite:///{path}"))
    path.chmod(file_mode)
    path.parent.chmod(folder_mode)
    command = [sys.executable, "-c", OPEN, f"sqlite:///{path}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    path.parent.chmod(0o700)

    assert done.stdout.startswith(f"database.url: {path} can't be "), done
    assert "writable" in done.stdout
