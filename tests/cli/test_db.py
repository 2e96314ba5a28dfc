"""``keyturn db``."""

import json

from cli_world import Installation, Run


def test_status_before_and_after_an_upgrade(keyturn: Run) -> None:
    """A missing database has version 0 and is not up to date; after the upgrade it is."""
    keyturn("init", "--issuer", "https://a.example", "--audience", "api")
    before = keyturn("db", "status", "--json")
    assert before.exit_code == 1
    assert json.loads(before.stdout)["current"] == 0
    assert keyturn("db", "upgrade").exit_code == 0
    after = keyturn("db", "status", "--json")
    assert after.exit_code == 0
    assert json.loads(after.stdout)["up_to_date"]


def test_an_upgrade_twice_does_nothing(installation: Installation) -> None:
    """What is applied is named once."""
    assert installation.must("db", "upgrade") == ""


def test_a_command_never_migrates(keyturn: Run) -> None:
    """Without a database, a command says how to make one, and makes none."""
    keyturn("init", "--issuer", "https://a.example", "--audience", "api")
    refused = keyturn("users", "list")
    assert refused.exit_code == 2
    assert "keyturn db upgrade" in refused.stderr
    assert keyturn("db", "status").exit_code == 1
