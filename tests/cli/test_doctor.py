"""``keyturn doctor``."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_world import Installation, Run, started
from typer.testing import Result

from free_ports import free_port
from keyturn.server.doctor import catalogue
from keyturn.server.doctor.findings import Severity


def ids(result: Result) -> set[str]:
    """Return what was found."""
    found: list[dict[str, Any]] = json.loads(result.stdout)["findings"]
    return {each["id"] for each in found}


@pytest.fixture
def production(tmp_path: Path, keyturn: Run) -> Path:
    """What somebody has who followed the guide: `init`, then the few settings that are theirs to choose."""
    etc, var = tmp_path / "etc", tmp_path / "var"
    issuer, audience = "https://auth.example.com", "https://api.example.com"
    assert keyturn("init", "--dir", str(etc), "--issuer", issuer, "--audience", audience).exit_code == 0
    config = etc / "keyturn.toml"
    text = config.read_text("utf-8")
    for before, after in {
        "sqlite:///.keyturn/keyturn.db": f"sqlite:///{var}/keyturn.db",
        "trusted_proxies = []": 'trusted_proxies = ["127.0.0.1"]',
        "min_length = 12": "min_length = 15",
        "# user =": "user =",
    }.items():
        assert before in text
        text = text.replace(before, after)
    config.write_text(text, "utf-8")
    assert keyturn("db", "upgrade", "--config", str(config)).exit_code == 0
    return config


def test_a_production_that_is_well_made(production: Path, keyturn: Run) -> None:
    """Nothing at or above medium, nor at low: the exit code is 0, and what is left is worth knowing."""
    result = keyturn("doctor", "--offline", "--json", "--fail-on", "low", "--config", str(production))
    assert result.exit_code == 0, result.stdout
    assert ids(result) == {"signing-keys-none", "users-none"}
    answer = json.loads(result.stdout)
    assert answer["counts"] == {"info": 2}
    assert answer["worst"] == "info"
    assert answer["measured"]["hash_seconds"] > 0
    assert answer["config"] == str(production)


def test_what_init_leaves_to_do(tmp_path: Path, keyturn: Run) -> None:
    """A newcomer's first try: each thing that is still to be done is named, with the command that does it."""
    keyturn("init", "--issuer", "https://auth.example.com", "--audience", "https://api.example.com")
    result = keyturn("doctor", "--offline")
    assert result.exit_code == 1
    for name in ("database-missing", "proxies-missing", "password-short", "database-relative", "keyturn db upgrade"):
        assert name in result.stdout
    assert "5 findings: 1 high, 1 medium, 2 low, 1 info (" in result.stdout
    assert not (tmp_path / ".keyturn").exists()


def test_what_is_told_of_a_finding(production: Path, keyturn: Run) -> None:
    """What was seen, what it means, how to mend it and what it goes by, for people and for programs."""
    text = production.read_text("utf-8")
    production.write_text(text.replace('lifetime = "10m"', 'lifetime = "60m"'), "utf-8")
    arguments = ("doctor", "--offline", "--config", str(production), "--only", "lifetimes")
    shown = keyturn(*arguments)
    (finding,) = json.loads(keyturn(*arguments, "--json").stdout)["findings"]
    assert finding["id"] == "lifetime-long"
    assert finding["chapter"] == "lifetimes"
    assert finding["severity"] == "medium"
    assert all(finding[part] in shown.stdout for part in ("id", "severity", "seen", "meaning", "mend", "reference"))
    assert "access_token.lifetime is 60m" in finding["seen"]
    assert "1 finding: 1 medium (10 checks made)." in shown.stdout
    assert [line for line in shown.stdout.splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize(("severity", "code"), [("low", 1), ("medium", 1), ("high", 0), ("critical", 0)])
def test_the_exit_code_follows_fail_on(production: Path, keyturn: Run, severity: str, code: int) -> None:
    """1 for a finding at or above it; medium unless told otherwise."""
    text = production.read_text("utf-8")
    production.write_text(text.replace("trusted_proxies = [", "trusted_proxies = []  # ["), "utf-8")
    arguments = ("doctor", "--offline", "--config", str(production), "--only", "network")
    assert keyturn(*arguments, "--fail-on", severity).exit_code == code
    assert keyturn(*arguments).exit_code == 1
    assert keyturn(*arguments, "--skip", "proxies-missing").exit_code == 0


def test_it_changes_nothing(installation: Installation) -> None:
    """Neither key nor schema, neither file nor row: the folder is what it was, whatever is found."""
    installation.add("alice")
    installation.log_in("alice")
    folder = installation.config.parent
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert installation.run("doctor", "--offline").exit_code == 1

    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_it_prints_no_secret(installation: Installation) -> None:
    """A57: not the master key, not a password hash, in no form."""
    installation.add("dev", "admin")
    secret = (installation.config.parent / "keyturn.key").read_text("utf-8").strip()
    for form in ([], ["--json"]):
        shown = installation.run("doctor", "--offline", *form)
        assert "development-user" in shown.stdout
        assert secret not in shown.output
        assert "$argon2id" not in shown.output


def test_list_tells_every_check(keyturn: Run) -> None:
    """For people and for programs; with --only those of a chapter."""
    shown = keyturn("doctor", "--list")
    rows = json.loads(keyturn("doctor", "--list", "--json").stdout)["items"]
    assert [row["id"] for row in rows] == [check.id for check in catalogue.all_checks()]
    assert all(row["id"] in shown.stdout for row in rows)
    assert {row["severity"] for row in rows} == set(Severity)
    only = json.loads(keyturn("doctor", "--list", "--json", "--only", "keys").stdout)["items"]
    assert {row["chapter"] for row in only} == {"keys"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only", "nonsense"], "nonsense"),
        (["--fail-on", "nonsense"], "nonsense"),
        (["auth.example.com"], "https URL"),
        (["https://auth.example.com?a=b"], "query"),
        (["--issuer-url", "file:///etc/passwd"], "--issuer-url"),
        (["https://auth.example.com", "--offline"], "--offline"),
    ],
)
def test_wrong_usage(keyturn: Run, arguments: list[str], told: str) -> None:
    """It is said what is wrong, and the exit code is 2."""
    result = keyturn("doctor", *arguments)
    assert result.exit_code == 2
    assert told in result.output


def test_what_could_not_be_looked_at_is_not_good(tmp_path: Path, keyturn: Run) -> None:
    """Where not a single check was made the exit code is 1: nothing was found, and nothing was seen."""
    blind = keyturn("doctor", "--offline", "--only", "keys", "--config", str(tmp_path / "nowhere.toml"))
    none = keyturn("doctor", "--offline", "--only", "keys", "--skip", "keys")
    assert (blind.exit_code, none.exit_code) == (1, 1)
    assert "No check made, 11 could not be." in blind.stdout
    assert none.stdout == "No check made.\n"


@pytest.mark.slow
def test_beside_a_development_server(tmp_path: Path, keyturn: Run) -> None:
    """Without settings it looks at ./.keyturn/ and asks that server; from outside there is nothing to say of it."""
    port = free_port()
    url = f"http://localhost:{port}"
    with started("dev", "--port", str(port), url=url, until="Ctrl-C", folder=tmp_path):
        beside = keyturn("doctor", "--json")
        outside = keyturn("doctor", url, "--json")
        shown = keyturn("doctor")
    assert beside.exit_code == 1
    assert ids(beside) >= {"issuer-loopback", "audience-development", "development-user"}
    assert json.loads(beside.stdout)["not_made"] == []
    assert outside.exit_code == 0, outside.stdout
    assert ids(outside) == set()
    assert "Made by keyturn dev" in shown.stdout
