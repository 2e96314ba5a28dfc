"""What is seen of files and variables is what is there."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from doctor_world import ISSUER, MASTER_KEY
from unprivileged import as_nobody

from keyturn.server.doctor.files import Files
from keyturn.server.doctor.observing_files import file_system_of, look
from keyturn.server.settings import Settings

MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
35 21 0:40 / /srv rw,relatime shared:2 - nfs4 server:/export rw,vers=4.2
36 35 8:2 / /srv/my\\040disk rw - xfs /dev/sdb1 rw
37 21 0:41 / /over rw - ext4 /dev/sdc1 rw
38 21 0:42 / /over rw - nfs server:/over rw
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands are run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seen(config: Path | None = None, environ: Mapping[str, str] | None = None) -> Files:
    """Return what is seen of the installation in this folder."""
    variables = {"KEYTURN_ISSUER": ISSUER, **(environ or {})}
    reading = Settings.read(config=config, environ=variables)
    return look(reading.settings, reading.found, variables)


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write a file with this mode."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_a_secret_in_the_settings_file(folder: Path) -> None:
    """A master key that stands there is seen; one that is referred to is not."""
    plain = written(folder / "keyturn.toml", f'[keys]\nmaster_key = "{MASTER_KEY}"')
    assert seen(plain).secrets_in_file == ("keys.master_key",)
    written(folder / "keyturn.key", MASTER_KEY)
    referring = written(folder / "keyturn.toml", '[keys]\nmaster_key = "file:keyturn.key"')
    assert seen(referring).secrets_in_file == ()


def test_a_secret_in_the_environment(folder: Path) -> None:
    """A password in a URL is one too; a variable that names a file, or holds a reference, is none."""
    key = written(folder / "keyturn.key", MASTER_KEY)
    url = "postgresql://me:secret@localhost/keyturn"
    plain = {"KEYTURN_KEYS_MASTER_KEY": MASTER_KEY, "KEYTURN_DATABASE_URL": url}
    assert set(seen(environ=plain).secrets_in_environment) == {"keys.master_key", "database.url"}
    for named in ({"KEYTURN_KEYS_MASTER_KEY_FILE": str(key)}, {"KEYTURN_KEYS_MASTER_KEY": f"file:{key}"}):
        assert seen(environ=named).secrets_in_environment == ()
    assert seen(environ={"KEYTURN_DATABASE_URL": "postgresql://me@localhost/keyturn"}).secrets_in_environment == ()


@pytest.mark.parametrize("how", ["reference", "variable"])
def test_a_master_key_beside_its_database(folder: Path, how: str) -> None:
    """The same directory is seen, whatever it is called by."""
    key = written(folder / "data" / "keyturn.key", MASTER_KEY)
    variables = {"KEYTURN_KEYS_MASTER_KEY_FILE": str(key)} if how == "variable" else {}
    config = written(folder / "keyturn.toml", 'keys.master_key = "file:data/keyturn.key"' if not variables else "")
    (folder / "link").symlink_to(folder / "data")
    beside = {"KEYTURN_DATABASE_URL": "sqlite:///link/keyturn.db", **variables}
    assert seen(config, beside).key_beside_database == str(folder.resolve() / "data")
    assert seen(config, {"KEYTURN_DATABASE_URL": "sqlite:///keyturn.db", **variables}).key_beside_database == ""


def test_who_can_write_the_settings(folder: Path) -> None:
    """A settings file that a group can write, and a directory that everybody can."""
    config = written(folder / "etc" / "keyturn.toml", "", 0o644)
    (folder / "etc").chmod(0o755)
    assert seen(config).replaceable == ()
    config.chmod(0o664)
    assert seen(config).replaceable == (str(config.resolve()),)
    config.chmod(0o644)
    (folder / "etc").chmod(0o777)
    assert seen(config).replaceable == (str((folder / "etc").resolve()),)
    (folder / "etc").chmod(0o1777)  # there others can't replace what is ours
    assert seen(config).replaceable == ()


def test_who_can_read_the_database(folder: Path) -> None:
    """The file, or the log that SQLite keeps beside it."""
    database = written(folder / "keyturn.db", "")
    variables = {"KEYTURN_DATABASE_URL": f"sqlite:///{database}"}
    assert seen(environ=variables).exposed_database == ""
    written(folder / "keyturn.db-wal", "", 0o640)
    assert "chmod 600" in seen(environ=variables).exposed_database


def test_a_folder_that_we_may_not_look_into(folder: Path) -> None:
    """Nothing is said of what is in it, and no check is kept from the rest."""
    variables = {"KEYTURN_DATABASE_URL": f"sqlite:///{folder}/data/keyturn.db"}
    for hidden in ("data/keyturn.db", ".keyturn/keyturn.toml"):
        written(folder / hidden, "", 0o644).parent.chmod(0o755)
    found = seen(environ=variables)
    assert "keyturn.db" in found.exposed_database
    assert found.leftovers == (".keyturn/",)
    for hidden in ("data", ".keyturn"):
        (folder / hidden).chmod(0)
    folder.chmod(0o755)

    with as_nobody():
        found = seen(environ=variables)

    assert (found.exposed_database, found.leftovers) == ("", ())
    assert found.file_system


def test_where_the_database_is(folder: Path) -> None:
    """Whether its URL depends on where one stands, and how many processes share it."""
    variables = {"KEYTURN_DATABASE_URL": "sqlite:///keyturn.db", "KEYTURN_SERVER_WORKERS": "3"}
    found = seen(environ=variables)
    assert (found.relative_database, found.sqlite_workers) == ("sqlite:///keyturn.db", 3)
    found = seen(environ=variables | {"KEYTURN_DATABASE_URL": f"sqlite:///{folder}/keyturn.db"})
    assert (found.relative_database, found.sqlite_workers) == ("", 3)
    found = seen(environ=variables | {"KEYTURN_DATABASE_URL": "postgresql://me@localhost/keyturn"})
    assert (found.relative_database, found.sqlite_workers, found.file_system) == ("", 0, "")


def test_what_dev_has_left(folder: Path) -> None:
    """A ./.keyturn/ beside settings that do not use it; not the one that is in use."""
    development = written(folder / ".keyturn" / "keyturn.toml", "")
    config = written(folder / "keyturn.toml", "")
    assert seen(config).leftovers == (".keyturn/",)
    assert seen(development).leftovers == ()
    development.unlink()
    assert seen(config).leftovers == ()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/keyturn.db", "ext4"),
        ("/srv/keyturn.db", "nfs4"),
        ("/srvother/keyturn.db", "ext4"),
        ("/srv/my disk/keyturn.db", "xfs"),
        ("/over/keyturn.db", "nfs"),
    ],
)
def test_the_file_system_of_a_path(path: str, kind: str) -> None:
    """That of the nearest mount above it; of several at one place the last one covers the others."""
    assert file_system_of(Path(path), MOUNTS) == kind
    assert file_system_of(Path(path), "") == ""


def test_a_real_file_system_is_named(folder: Path) -> None:
    """On Linux the one that these tests run on."""
    if not os.path.exists("/proc/self/mountinfo"):  # noqa: PTH110 - no path of ours
        pytest.skip("no Linux")
    assert seen(environ={"KEYTURN_DATABASE_URL": f"sqlite:///{folder}/keyturn.db"}).file_system
