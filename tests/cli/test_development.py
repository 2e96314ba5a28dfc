"""What ``keyturn dev`` keeps."""

import stat
from pathlib import Path

import pytest

from keyturn.cli.development import DIRECTORY, Development
from keyturn.errors import ConfigurationError
from keyturn.server.settings import Settings


@pytest.fixture
def development(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Development:
    """A directory that is not there yet."""
    monkeypatch.chdir(tmp_path)
    return Development(directory=DIRECTORY, host="127.0.0.1", port=8080)


def test_the_promised_settings(development: Development) -> None:
    """Issuer, audience and roles are those that the documentation names."""
    settings = development.prepare()
    assert settings.issuer == "http://localhost:8080"
    assert settings.access_token.audience == ("my-api",)
    assert settings.roles == {"user": ("orders:read",), "admin": ("orders:read", "orders:write")}


def test_a_command_beside_it_uses_the_same(development: Development) -> None:
    """Without any setting, a command beside the directory has its issuer, its database and its master key."""
    ours, beside = development.prepare(), Settings.load(environ={})
    assert _values(beside) == _values(ours)
    assert beside.keys.master_key == ours.keys.master_key


def test_the_master_key_stays(development: Development) -> None:
    """A second start makes no second key."""
    assert development.prepare().keys.master_key == development.prepare().keys.master_key


def test_a_file_without_our_lines_is_left_alone(development: Development) -> None:
    """A developer who has taken the whole file over keeps it."""
    development.prepare()
    development.settings_file.write_text('access_token.audience = ["theirs"]\n')
    settings = development.prepare()
    assert settings.access_token.audience == ("theirs",)
    assert development.settings_file.read_text() == 'access_token.audience = ["theirs"]\n'


def test_an_open_directory_is_closed(development: Development) -> None:
    """A directory that others may look into is for its owner alone after the start."""
    DIRECTORY.mkdir(mode=0o755)
    development.prepare()
    assert stat.S_IMODE(DIRECTORY.stat().st_mode) == 0o700


def test_a_readable_master_key_is_refused(development: Development) -> None:
    """A key that others could have read is no secret any more (KEY-10)."""
    development.prepare()
    (DIRECTORY / "master_key").chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        development.prepare()


def test_any_path_will_do(tmp_path: Path) -> None:
    """A directory with characters of any script, quotes and blanks."""
    directory = tmp_path / "a 'b' \"c\" ü 📱"
    made = Development(directory=directory, host="127.0.0.1", port=8080)
    made.prepare()
    assert Settings.load(environ={}, config=made.settings_file).database.url == made.database_url


def test_a_directory_that_cant_be_made(tmp_path: Path) -> None:
    """Where a file is in the way, the directory is named."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="file"):
        Development(directory=tmp_path / "file", host="127.0.0.1", port=8080).prepare()


def _values(settings: Settings) -> dict[str, str]:
    return {setting.name: setting.value for setting in settings.listing()}
