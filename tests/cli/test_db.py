"""``keyturn db``."""

import json

import pytest
from cli_world import Installation, Run

from keyturn.errors import InvalidGrant


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


def test_after_a_restore_nothing_that_was_out_is_good(installation: Installation) -> None:
    """A logout that the backup undoes stays a logout: every session ends, and a second time there is none to end."""
    installation.add("alice", "user")
    issued = installation.log_in("alice")
    installation.log_in("alice")
    copy = installation.database.read_bytes()
    installation.must("sessions", "end", issued.session.sid)
    installation.restore(copy)
    assert installation.refresh(issued)

    assert installation.must("db", "restored", "--yes") == "Sessions that ended: 2.\n"

    with pytest.raises(InvalidGrant):
        installation.refresh(issued)
    assert json.loads(installation.must("sessions", "list", "--json"))["items"] == []
    assert installation.must("db", "restored", "--yes") == "Sessions that ended: 0.\n"


def test_nobody_is_logged_out_by_mistake(installation: Installation) -> None:
    """Where nobody can be asked, --yes has to be said."""
    refused = installation.run("db", "restored")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr


def test_a_session_goes_on_after_a_move_to_another_database(installation: Installation) -> None:
    """Copy, point database.url at the copy: the refresh token that a client has gives the next one. Nobody logs in."""
    installation.add("alice", "user")
    issued = installation.log_in("alice")
    target = f"sqlite:///{installation.config.parent}/moved.db"
    text = installation.config.read_text("utf-8")
    moved = text.replace(f'url = "sqlite:///{installation.database}"', f'url = "{target}"')
    installation.config.write_text(moved, "utf-8")
    installation.must("db", "upgrade")

    table = installation.copy(f"sqlite:///{installation.database}", target)

    assert ["sessions", "1"] in [line.split() for line in table.stdout.splitlines()]
    assert "Set database.url" in table.stderr
    again = installation.refresh(installation.refresh(issued))
    assert again.session.sid == issued.session.sid
    assert json.loads(installation.must("users", "list", "--json"))["items"][0]["username"] == "alice"


def test_a_copy_takes_references_and_refuses_a_full_target(installation: Installation) -> None:
    """A URL may stand in a file, as a password does not belong on a command line; a second copy finds no empty one."""
    url = f"sqlite:///{installation.database}"
    installation.add("alice")
    file = installation.config.parent / "url"
    file.write_text(f"{url}\n")
    file.chmod(0o600)

    refused = installation.copy(url, f"file:{file}")
    assert refused.exit_code == 1
    assert "not empty" in refused.stderr

    refused = installation.copy(url, "file:/nonexistent")
    assert refused.exit_code == 2
    assert "--to: /nonexistent can't be read" in refused.stderr


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://db/keyturn", "--to: write sqlite:///"),
        ("postgresql://me:secret@db.example.com/keyturn", "--to: what crosses the network could be in plain text"),
    ],
)
def test_a_copy_goes_only_where_a_server_could_be(installation: Installation, url: str, sentence: str) -> None:
    """The rules of database.url hold for both; what is said holds no password."""
    refused = installation.copy(f"sqlite:///{installation.database}", url)
    assert refused.exit_code == 2
    assert sentence in refused.stderr
    assert "secret" not in refused.stderr
