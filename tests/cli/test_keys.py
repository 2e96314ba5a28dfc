"""``keyturn keys``."""

import json
from typing import Any

import pytest
from cli_world import Installation

from keyturn.cli.private_files import new_master_key


def test_the_first_key_signs_at_once(installation: Installation) -> None:
    """Where there is no key, a rotation makes one that signs; the next is only published."""
    installation.must("keys", "rotate")
    result = installation.run("keys", "rotate")
    assert "signs from" in result.stderr
    assert [row["state"] for row in _keys(installation)].count("active") == 1
    assert [row["state"] for row in _keys(installation)].count("next") == 1


def test_a_list_shows_no_private_key(installation: Installation) -> None:
    """Of a key there is its name, its state and its times."""
    installation.must("keys", "rotate")
    (row,) = _keys(installation)
    times = {"published_at", "signs_from", "retired_at", "revoked_at"}
    assert set(row) == {"kid", "algorithm", "state", "master_key"} | times
    assert row["kid"] in installation.must("keys", "list")


def test_another_key_steps_in_for_a_revoked_one(installation: Installation) -> None:
    """After an emergency there is a key to sign with, and the revoked one stays named."""
    installation.must("keys", "rotate")
    (before,) = _keys(installation)
    result = installation.run("keys", "revoke", before["kid"], "--yes")
    assert "is revoked" in result.stderr
    assert "signs now" in result.stderr
    states = {row["kid"]: row["state"] for row in _keys(installation)}
    assert states.pop(before["kid"]) == "revoked"
    assert list(states.values()) == ["active"]
    assert "already" in installation.run("keys", "revoke", before["kid"], "--yes").stderr


@pytest.mark.parametrize("kid", ["nope", "-nope", "--nope"])
def test_an_unknown_key(installation: Installation, kid: str) -> None:
    """A kid that no key has, whatever it begins with: exit 1, before anybody is asked."""
    result = installation.run("keys", "revoke", kid)
    assert result.exit_code == 1
    assert "kid" in result.stderr


def test_another_master_key_opens_nothing(installation: Installation) -> None:
    """With another master key than the database's, no command does anything (KEY-10)."""
    installation.must("keys", "rotate")
    (installation.config.parent / "keyturn.key").write_text(new_master_key())
    result = installation.run("keys", "rotate")
    assert result.exit_code == 2
    assert "keys.master_key" in result.stderr


def test_the_master_key_is_changed_step_by_step(installation: Installation) -> None:
    """Append, move first, rewrap, wait for the sessions, remove: each step says what the next one needs (contract §8).

    The keys that sign stay as they are, and a session goes on all the way.
    """
    installation.add("alice", "user")
    issued = installation.log_in("alice")
    file = installation.config.parent / "keyturn.key"
    old, new = file.read_text().strip(), new_master_key()
    (before,) = _keys(installation)

    file.write_text(f"{new},{old}\n")
    result = installation.run("keys", "rewrap")
    assert "sealed anew: 1." in result.stderr
    assert "older master keys: 1." in result.stderr
    (after,) = _keys(installation)
    assert after["kid"] == before["kid"]
    assert after["master_key"] != before["master_key"]
    assert f"{before['master_key']} (older): 0 signing keys, 1 live session." in installation.run("keys", "list").stderr

    installation.refresh(issued)
    result = installation.run("keys", "rewrap")
    assert "sealed anew: 0." in result.stderr
    assert "older master keys: 0." in result.stderr

    file.write_text(new)
    uses = json.loads(installation.must("keys", "list", "--json"))["master_keys"]
    assert uses == [{"id": after["master_key"], "listed": 0, "signing_keys": 1, "sessions": 1}]


def _keys(installation: Installation) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(installation.must("keys", "list", "--json"))["items"]
    return items
