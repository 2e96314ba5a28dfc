"""Secrets in files, and the directory that ``keyturn dev`` leaves behind."""

from pathlib import Path

import pytest
from installation import MASTER_KEY, OTHER_MASTER_KEY
from unprivileged import as_nobody
from written import write

from keyturn.errors import ConfigurationError
from keyturn.server.settings import Purpose, Settings, Source

ENVIRONMENT = {"KEYTURN_ISSUER": "https://auth.example.com", "KEYTURN_ACCESS_TOKEN_AUDIENCE": "my-api"}
FILE = "KEYTURN_KEYS_MASTER_KEY_FILE"


def refusal(environ: dict[str, str]) -> str:
    """Return what is said when the settings are refused."""
    with pytest.raises(ConfigurationError) as refused:
        Settings.load(environ=ENVIRONMENT | environ)
    return str(refused.value)


def master_key(settings: Settings) -> str:
    """Return it in the clear."""
    return settings.keys.master_key.get_secret_value()


def test_a_variable_that_ends_in_file_names_a_file_with_the_secret() -> None:
    """Its line end does not count, and its source is the environment."""
    write("key", f"{MASTER_KEY}\n")

    settings = Settings.load(environ=ENVIRONMENT | {FILE: "key"})

    assert master_key(settings) == MASTER_KEY
    assert {line.source for line in settings.listing() if line.name == "keys.master_key"} == {Source.ENVIRONMENT}


def test_any_setting_may_come_from_a_file() -> None:
    """What is no secret may be readable to all."""
    write("key", MASTER_KEY)
    write("port", "9000\n", 0o644)

    assert Settings.load(environ=ENVIRONMENT | {FILE: "key", "KEYTURN_SERVER_PORT_FILE": "port"}).server.port == 9000


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_can_read_is_refused(mode: int) -> None:
    """KEY-10: the sentence says which command mends it."""
    write("key", MASTER_KEY, mode)

    assert "keys.master_key (KEYTURN_KEYS_MASTER_KEY): others can read key" in refusal({FILE: "key"})
    assert "run: chmod 600 key" in refusal({FILE: "key"})


def test_a_configuration_file_with_a_secret_in_it_is_for_its_owner_alone() -> None:
    """Without a secret it may be readable to all."""
    write("keyturn.toml", f'[keys]\nmaster_key = "{MASTER_KEY}"\n', 0o644)
    assert "others can read keyturn.toml" in refusal({})

    write("keyturn.toml", '[log]\nlevel = "error"\n', 0o644)
    write("key", MASTER_KEY)
    Settings.load(environ=ENVIRONMENT | {FILE: "key"})


def test_a_secret_in_the_configuration_file_may_name_a_file_beside_it(elsewhere: Path) -> None:
    """The path is relative to the configuration file."""
    (elsewhere / "etc").mkdir()
    write("etc/keyturn.toml", '[keys]\nmaster_key = "file:key"\n', 0o644)
    write("etc/key", MASTER_KEY)

    assert master_key(Settings.load(environ=ENVIRONMENT, config=Path("etc/keyturn.toml"))) == MASTER_KEY


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "key can't be read: No such file"), (b"\xff", "key is no UTF-8 text"), (b"a" * 70_000, "far larger")],
)
def test_a_secret_file_that_is_none_is_told(content: bytes | None, sentence: str) -> None:
    """The sentence holds nothing of its content."""
    if content is not None:
        write("key", "").write_bytes(content)

    assert sentence in refusal({FILE: "key"})


def test_value_and_file_together_are_refused() -> None:
    """Nobody can tell which one was meant."""
    write("key", MASTER_KEY)

    sentence = refusal({FILE: "key", "KEYTURN_KEYS_MASTER_KEY": OTHER_MASTER_KEY})

    assert "set either KEYTURN_KEYS_MASTER_KEY or KEYTURN_KEYS_MASTER_KEY_FILE, not both" in sentence


def make_development_directory() -> None:
    """Make what `keyturn dev` leaves behind."""
    Path(".keyturn").mkdir(mode=0o700)
    write(".keyturn/master_key", MASTER_KEY)
    write(
        ".keyturn/keyturn.toml",
        'issuer = "http://localhost:8080"\naccess_token.audience = ["my-api"]\nkeys.master_key = "file:master_key"\n',
    )


def test_a_command_beside_a_development_directory_uses_it() -> None:
    """Its master key included; a server starts with it too."""
    make_development_directory()

    settings = Settings.load(environ={}, purpose=Purpose.SERVE)

    assert settings.issuer == "http://localhost:8080"
    assert settings.access_token.audience == ("my-api",)
    assert settings.database.url == "sqlite:///.keyturn/keyturn.db"
    assert master_key(settings) == MASTER_KEY


@pytest.mark.parametrize("variable", ["KEYTURN_ISSUER", "KEYTURN_DATABASE_URL", "KEYTURN_KEYS_MASTER_KEY"])
def test_a_development_directory_never_fills_in_for_a_real_installation(variable: str) -> None:
    """KEY-10: a server that was told who it is does not sign with a development key."""
    make_development_directory()

    with pytest.raises(ConfigurationError, match="it has no default"):
        Settings.load(environ={variable: "https://auth.example.com"})


def test_a_directory_of_somebody_else_is_told(tmp_path: Path) -> None:
    """Where the settings would be read from it; a real installation, which never does, does not meet it."""
    Path(".keyturn").mkdir()
    write(".keyturn/keyturn.toml", "")
    real = ENVIRONMENT | {"KEYTURN_KEYS_MASTER_KEY": MASTER_KEY}
    Settings.load(environ=real)
    Path(".keyturn").chmod(0)
    tmp_path.chmod(0o755)

    with as_nobody():
        Settings.load(environ=real)
        with pytest.raises(ConfigurationError, match=r"^\.keyturn/keyturn\.toml can't be read: Permission denied\."):
            Settings.load(environ={})


def test_a_configuration_file_goes_before_a_development_directory() -> None:
    """What somebody wrote counts."""
    make_development_directory()
    write("keyturn.toml", 'issuer = "https://auth.example.com"\n')

    assert Settings.load(environ={}, purpose=Purpose.ADMINISTER).issuer == "https://auth.example.com"
