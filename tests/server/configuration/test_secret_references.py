"""Secrets that stand elsewhere: which reference counts, who may read the file, what is said when there is none."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from installation import MASTER_KEY, OTHER_MASTER_KEY
from written import write

from keyturn.errors import ConfigurationError
from keyturn.server.configuration import secret_files
from keyturn.server.configuration.secret_references import Reference, References
from keyturn.server.settings import Settings

ENVIRONMENT = {"KEYTURN_ISSUER": "https://auth.example.com", "KEYTURN_ACCESS_TOKEN_AUDIENCE": "my-api"}
KEY = "KEYTURN_KEYS_MASTER_KEY"
URL = "KEYTURN_DATABASE_URL"

ROOT, WE, OTHER, OUR_GROUP, OTHER_GROUP = 0, 1000, 1001, 2000, 2001


def load(**environ: str) -> Settings:
    """Load settings from *environ* and the files here."""
    return Settings.load(environ=ENVIRONMENT | environ)


def refusal(**environ: str) -> str:
    """Return what is said when the settings are refused."""
    with pytest.raises(ConfigurationError) as refused:
        load(**environ)
    return str(refused.value)


def test_a_credential_of_systemd(elsewhere: Path) -> None:
    """``credential:name`` is the file of that name where systemd put what the unit may read."""
    write("key", MASTER_KEY, 0o400)

    settings = load(**{KEY: "credential:key", "CREDENTIALS_DIRECTORY": str(elsewhere)})

    assert settings.keys.master_key.get_secret_value() == MASTER_KEY


def test_a_credential_without_systemd_is_told() -> None:
    """The sentence says which line the unit lacks."""
    assert "LoadCredential=key:" in refusal(**{KEY: "credential:key"})


@pytest.mark.parametrize("name", ["", "../key", "/etc/key", "a/b", "."])
def test_a_credential_is_a_name_alone(elsewhere: Path, name: str) -> None:
    """It leads nowhere outside the directory of the unit's credentials."""
    assert "no name of a credential" in refusal(**{KEY: f"credential:{name}", "CREDENTIALS_DIRECTORY": str(elsewhere)})


@pytest.mark.parametrize("place", ["environment", "file", "content"])
def test_a_url_with_a_password_may_be_a_reference(elsewhere: Path, place: str) -> None:
    """In the environment, in keyturn.toml, and in a file that a variable names."""
    write("key", MASTER_KEY)
    write("url", f"sqlite:///{elsewhere}/mine.db\n")
    environ = {KEY: MASTER_KEY}
    if place == "environment":
        environ[URL] = "file:url"
    elif place == "file":
        write("keyturn.toml", '[database]\nurl = "file:url"\n', 0o644)
    else:
        environ[f"{URL}_FILE"] = str(write("reference", "file:url", 0o644))

    assert load(**environ).database.url == f"sqlite:///{elsewhere}/mine.db"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@localhost/keyturn",
        "postgresql://me:se/cret@localhost/keyturn",
        "postgresql://localhost/keyturn?sslmode=disable&password=secret",
    ],
)
def test_a_password_in_a_url_is_for_its_owner_alone(url: str) -> None:
    """The file that it stands in must not be readable to others, as with any secret."""
    write("keyturn.toml", f'[database]\nurl = "{url}"\n', 0o644)
    assert "database.url (KEYTURN_DATABASE_URL): others can read keyturn.toml" in refusal(**{KEY: MASTER_KEY})

    Path("keyturn.toml").unlink()
    write("url", url, 0o644)
    sentence = refusal(**{KEY: MASTER_KEY, f"{URL}_FILE": "url"})
    assert "database.url (KEYTURN_DATABASE_URL): others can read url" in sentence
    assert "cret@" not in sentence


def test_a_url_without_a_password_may_be_readable_to_all(elsewhere: Path) -> None:
    """A path or a user name is no secret."""
    for url in (f"sqlite:///{elsewhere}/a:b@c.db", "postgresql://me@localhost/keyturn?sslmode=disable"):
        write("keyturn.toml", f'[database]\nurl = "{url}"\n', 0o644)
        assert load(**{KEY: MASTER_KEY}).database.url == url


def test_a_reference_that_another_source_replaces_is_not_read() -> None:
    """What keyturn.toml refers to need not be there where the environment has the value."""
    write("keyturn.toml", '[keys]\nmaster_key = "vault:secret/keyturn#master_key"\n', 0o644)

    assert load(**{KEY: OTHER_MASTER_KEY}).keys.master_key.get_secret_value() == OTHER_MASTER_KEY


def test_every_reference_that_leads_nowhere_is_told_at_once() -> None:
    """Each setting with its own sentence, and none of them as missing besides."""
    lines = refusal(**{KEY: "file:nowhere", URL: "credential:url"}).splitlines()

    assert any(line.startswith(f"keys.master_key ({KEY}): nowhere can't be read") for line in lines)
    assert any(line.startswith(f"database.url ({URL}): credential:url can't be read") for line in lines)
    assert len([line for line in lines if line.startswith(("keys.master_key", "database.url"))]) == 2


def test_a_reference_is_read_once(elsewhere: Path) -> None:
    """Two settings that refer to one place get one value."""
    references = References({})
    reference = Reference("file:key", elsewhere)
    write("key", "first")
    assert references.read(reference) == "first"

    write("key", "second")
    assert references.read(reference) == "first"


@pytest.mark.parametrize(
    ("owner", "group", "mode", "fits"),
    [
        (WE, OUR_GROUP, 0o600, True),
        (WE, OUR_GROUP, 0o640, False),  # ours: we can, and so have to, chmod it
        (ROOT, OUR_GROUP, 0o440, True),  # Kubernetes with fsGroup and defaultMode 0440
        (ROOT, OUR_GROUP, 0o640, True),  # an administrator's, for a service that only reads it
        (ROOT, ROOT, 0o440, True),  # systemd: an access list for us, which shows as the group's bits
        (ROOT, OTHER_GROUP, 0o440, False),
        (ROOT, OUR_GROUP, 0o460, False),
        (ROOT, OUR_GROUP, 0o444, False),  # Kubernetes without either
        (ROOT, OUR_GROUP, 0o644, False),
        (OTHER, OUR_GROUP, 0o440, False),
    ],
)
def test_who_may_read_a_secret_beside_us(
    monkeypatch: pytest.MonkeyPatch, owner: int, group: int, mode: int, fits: bool
) -> None:
    """Nobody; or, where root has handed it to us, a group that is root's or ours (KEY-10)."""
    found = os.stat_result((stat.S_IFREG | mode, 1, 1, 1, owner, group, 0, 0, 0, 0))
    monkeypatch.setattr(secret_files, "_stat", lambda _: found)
    monkeypatch.setattr(os, "geteuid", lambda: WE)
    monkeypatch.setattr(os, "getegid", lambda: WE)
    monkeypatch.setattr(os, "getgroups", lambda: [OUR_GROUP])

    if fits:
        secret_files.check_private(Path("key"))
        return
    with pytest.raises(ValueError, match=r"others can (read|write) key, which holds a secret") as refused:
        secret_files.check_private(Path("key"))
    assert ("chmod 600" if owner == WE else "defaultMode: 0440, with fsGroup") in str(refused.value)


# What it imports may lie where nobody may look, so it gives up its rights only then.
READ = f"""
import os, sys
from hashlib import sha256
from pathlib import Path
from keyturn.server.configuration.secret_files import read_secret
if os.geteuid() == 0:
    os.setgroups([{OUR_GROUP}])
    os.setgid({WE})
    os.setuid({WE})
try:
    print(sha256(read_secret(Path(sys.argv[1])).encode()).hexdigest())
except ValueError as error:
    print(error)
"""


@pytest.fixture
def volume() -> Iterator[Path]:
    """A directory that everybody may look into."""
    with tempfile.TemporaryDirectory(prefix="keyturn-volume-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.slow
def test_a_secret_as_kubernetes_mounts_it(volume: Path) -> None:
    """A link to a link to a file of root's with mode 0440 and the pod's fsGroup is read; with the default 0644 not.

    Who is not root can't make such a file: then it is one of our own, with mode 0400.
    """
    (volume / "..2026").mkdir()
    real = write(str(volume / "..2026" / "key"), MASTER_KEY)
    (volume / "..data").symlink_to("..2026")
    (volume / "key").symlink_to("..data/key")
    fitting = 0o400
    if os.geteuid() == ROOT:
        os.chown(real, ROOT, OUR_GROUP)
        fitting = 0o440

    def read(mode: int) -> str:
        real.chmod(mode)
        command = [sys.executable, "-c", READ, str(volume / "key")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert read(fitting) == sha256(MASTER_KEY.encode()).hexdigest()
    assert read(0o644).startswith("others can read")
