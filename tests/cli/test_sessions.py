"""``keyturn sessions``."""

import json
import sqlite3
from contextlib import closing

import pytest
from cli_world import Installation

from keyturn.cli import sessions

HOSTILE = "phone\x1b[31m"


def test_sessions_of_one_and_of_all(installation: Installation) -> None:
    """A list tells who is logged in where, without anything that would be of use to a thief."""
    installation.add("ada")
    installation.add("bob")
    first = installation.log_in("ada", device_name="laptop")
    installation.log_in("bob")
    everybody = json.loads(installation.must("sessions", "list", "--json"))["items"]
    assert [row["username"] for row in everybody] == ["ada", "bob"]
    (row,) = json.loads(installation.must("sessions", "list", "--json", "--user", "ada"))["items"]
    assert row["session_id"] == first.session.sid
    assert row["device_name"] == "laptop"
    assert row["address"] == "192.0.2.0/24"
    assert first.session.handle.hex() not in json.dumps(row)


def test_sessions_of_all_come_by_name_and_last_use(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages they are read in: each once; one whose user is another directory's has no name."""
    monkeypatch.setattr(sessions, "_PAGE", 2)
    for name in ("bob", "ada"):
        installation.add(name)
    started = {installation.log_in(name).session.sid for name in ("bob", "ada", "bob", "ada", "ada")}
    with closing(sqlite3.connect(installation.database)) as database:
        database.execute("UPDATE sessions SET sub = 'elsewhere' WHERE sid = ?", [min(started)])
        database.commit()

    rows = json.loads(installation.must("sessions", "list", "--json"))["items"]

    assert {row["session_id"] for row in rows} == started
    assert len(rows) == len(started)
    names = [row["username"] for row in rows]
    assert names[0] is None
    assert names[1:] == sorted(names[1:])
    assert "elsewhere" not in installation.must("sessions", "list")


def test_a_device_name_does_not_colour_the_terminal(installation: Installation) -> None:
    """What a client called itself is shown as escapes (A52)."""
    installation.add("ada")
    installation.log_in("ada", device_name=HOSTILE)
    shown = installation.must("sessions", "list")
    assert "\x1b" not in shown
    assert "phone\\x1b[31m" in shown


def test_more_than_the_limit_is_said(installation: Installation) -> None:
    """A list that was cut says so."""
    installation.add("ada")
    for _ in range(2):
        installation.log_in("ada")
    result = installation.run("sessions", "list", "--json", "--limit", "1")
    assert len(json.loads(result.stdout)["items"]) == 1
    assert "more than 1" in result.stderr


def test_end_one_and_end_all(installation: Installation) -> None:
    """One session ends by its id, a user's all at once; what has ended is not there any more."""
    installation.add("ada")
    first, _ = installation.log_in("ada"), installation.log_in("ada")
    assert installation.run("sessions", "end", first.session.sid).stderr == "1 session ended.\n"
    assert installation.run("sessions", "end", first.session.sid).exit_code == 1
    installation.log_in("ada")
    assert installation.run("sessions", "end", "--user", "ada").stderr == "2 sessions ended.\n"
    assert json.loads(installation.must("sessions", "list", "--json"))["items"] == []


@pytest.mark.parametrize("sid", ["-mXv2l1yqkZcWzGq9Xw4rT", "--Xv2l1yqkZcWzGq9Xw4rT"])
def test_an_id_may_begin_with_a_dash(installation: Installation, sid: str) -> None:
    """Ids are random, and one in 64 looks like an option."""
    result = installation.run("sessions", "end", sid)
    assert result.exit_code == 1
    assert "no live session" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["sid", "--user", "ada"]])
def test_end_exactly_what_was_named(installation: Installation, arguments: list[str]) -> None:
    """Nothing or two things named: wrong usage, and nothing ends."""
    installation.add("ada")
    installation.log_in("ada")
    assert installation.run("sessions", "end", *arguments).exit_code == 2
    assert len(json.loads(installation.must("sessions", "list", "--json"))["items"]) == 1
