"""``keyturn config``."""

import json

import pytest
from cli_world import Installation, Run

from keyturn.server.settings import all_names


def test_show_lists_every_setting_with_its_source(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value is there, with where it came from."""
    monkeypatch.setenv("KEYTURN_REFRESH_TOKEN_GRACE", "5s")
    rows = {row["name"]: row for row in json.loads(installation.must("config", "show", "--json"))["items"]}
    assert list(rows) == list(all_names())
    assert rows["refresh_token.grace"]["value"] == "5s"
    assert rows["refresh_token.grace"]["source"] == "environment"
    assert rows["refresh_token.grace"]["environment"] == "KEYTURN_REFRESH_TOKEN_GRACE"
    assert rows["issuer"]["source"] == "file"


def test_show_masks_secrets(installation: Installation) -> None:
    """The master key is never shown, in no form."""
    secret = (installation.config.parent / "keyturn.key").read_text().strip()
    for form in ([], ["--json"]):
        shown = installation.must("config", "show", *form)
        assert secret not in shown
        assert "****" in shown


def test_check_tells_every_problem_at_once(keyturn: Run) -> None:
    """A check that fails lists all problems, for programs too, and exits with 2."""
    result = keyturn("config", "check", "--json")
    assert result.exit_code == 2
    answer = json.loads(result.stdout)
    assert not answer["ok"]
    assert len(answer["problems"]) >= 3
    assert all(name in result.stderr for name in ("issuer", "access_token.audience", "keys.master_key"))


def test_check_is_content(installation: Installation) -> None:
    """Good settings: exit 0."""
    assert json.loads(installation.must("config", "check", "--json")) == {"ok": True, "problems": []}


def test_check_warns_of_what_has_no_effect(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no problem, and stands on standard error."""
    monkeypatch.setenv("KEYTURN_RATE_LIMIT_TOKEN_PER_CLIENT", "5/1m")
    result = installation.run("config", "check", "--json")
    assert json.loads(result.stdout) == {"ok": True, "problems": []}
    assert "Warning: rate_limit.token_per_client" in result.stderr


def test_a_file_that_is_not_there(keyturn: Run) -> None:
    """A settings file that was named and is missing is wrong usage, never the defaults."""
    result = keyturn("config", "show", "--config", "missing.toml")
    assert result.exit_code == 2
    assert "missing.toml" in result.stderr
