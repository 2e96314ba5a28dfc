"""The settings file that explains itself."""

import tomllib

from keyturn.cli.settings_file import SENTENCES, render
from keyturn.server.settings import Settings, all_names


def test_every_setting_has_its_sentence() -> None:
    """No setting is without an explanation, and none is explained that is gone."""
    assert list(SENTENCES) == list(all_names())


def test_the_file_says_the_defaults() -> None:
    """The file without a change is the defaults."""
    written = Settings.model_validate(tomllib.loads(render({}, intro="")))
    assert written == Settings()


def test_values_are_written_as_toml() -> None:
    """Lists, tables, numbers and texts come back as they went in."""
    values = {
        "issuer": "https://a.example",
        "access_token.audience": ("one", "two"),
        "roles": {"admin": ("a:b", "c")},
        "server.port": 9000,
        "danger.allow_http": True,
    }
    written = Settings.model_validate(tomllib.loads(render(values, intro="Hello\n\nyou")))
    assert written.issuer == "https://a.example"
    assert written.access_token.audience == ("one", "two")
    assert written.roles == {"admin": ("a:b", "c")}
    assert written.server.port == 9000
    assert written.danger.allow_http
