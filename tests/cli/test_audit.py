"""``keyturn audit``."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from cli_world import Installation

from keyturn.cli import audit
from keyturn.cli.opening import run
from keyturn.core.model import Origin
from keyturn.core.sealer import Sealer
from keyturn.core.services import Services
from keyturn.core.users import disable, enable, get_by_name


def sql(installation: Installation, *statements: str) -> None:
    """Do what somebody does who can write the database."""
    with closing(sqlite3.connect(installation.database)) as database:
        database.executescript(";".join(statements))
        database.commit()


def seal(installation: Installation) -> None:
    """Do what a server does each second."""

    async def no_pause() -> None:
        pass

    async def work(services: Services, now_ms: int) -> None:
        await Sealer(services).run(now_ms=now_ms, pause=no_pause)

    run(installation.config, work)


def items(installation: Installation, *arguments: str) -> list[dict[str, Any]]:
    """Return what ``audit list`` lists."""
    found: list[dict[str, Any]] = json.loads(installation.must("audit", "list", "--json", *arguments))["items"]
    return found


def test_the_newest_come_last(installation: Installation) -> None:
    """With everything that is known of them, and never a token."""
    sub = installation.add("ada", "admin")
    issued = installation.log_in("ada")

    added, *_, login = items(installation)

    assert (added["kind"], added["sub"], added["actor"], added["details"]) == (
        "user_added",
        sub,
        "operator",
        {"roles": ["admin"]},
    )
    assert (login["kind"], login["session_id"], login["address"]) == ("login", issued.session.sid, "192.0.2.7")
    assert [row["number"] for row in items(installation)] == [1, 2, 3, 4]
    shown = installation.must("audit", "list")
    assert "user_added" in shown
    assert issued.session.sid in shown
    assert issued.refresh_token not in shown


def test_filters(installation: Installation) -> None:
    """By user, session, kind and time; those of a user who is not there are refused."""
    ada, bob = installation.add("ada"), installation.add("bob")
    session = installation.log_in("bob").session
    sql(installation, "UPDATE audit SET at_ms = 1000 WHERE number = 1")

    assert {row["sub"] for row in items(installation, "--user", "bob")} == {bob}
    assert [row["kind"] for row in items(installation, "--sub", ada)] == ["user_added"]
    assert [row["kind"] for row in items(installation, "--sid", session.sid)] == ["login"]
    assert [row["number"] for row in items(installation, "--kind", "user_added")] == [1, 2]
    assert [row["number"] for row in items(installation, "--until", "1970-01-02")] == [1]
    assert 1 not in [row["number"] for row in items(installation, "--since", "1970-01-02")]
    assert items(installation, "--since", "2100-01-01") == []
    assert installation.run("audit", "list", "--user", "eve").exit_code == 1
    assert installation.run("audit", "list", "--user", "ada", "--sub", ada).exit_code == 2
    assert installation.run("audit", "list", "--kind", "nothing").exit_code == 2
    assert installation.run("audit", "list", "--since", "soon").exit_code == 2


def test_a_limit_keeps_the_newest(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages they are read in, and a list that was cut says so."""
    monkeypatch.setattr(audit, "_PAGE", 2)
    installation.add("ada")

    async def work(services: Services, now_ms: int) -> None:
        user, origin = await get_by_name(services, "ada"), Origin(actor="operator")
        for _ in range(4):
            await disable(services, user, origin=origin, now_ms=now_ms)
            await enable(services, user, origin=origin, now_ms=now_ms)

    run(installation.config, work)
    assert [row["number"] for row in items(installation)] == list(range(1, 10))
    result = installation.run("audit", "list", "--json", "--limit", "5")
    assert [row["number"] for row in json.loads(result.stdout)["items"]] == [5, 6, 7, 8, 9]
    assert "more than 5" in result.stderr
    assert installation.run("audit", "list", "--limit", "9").stderr == ""


def test_hostile_text_does_not_reach_the_terminal(installation: Installation) -> None:
    """A52: what a peer called itself is shown as escapes; what can't be read, as it stands there."""
    installation.add("ada")
    sql(
        installation,
        "UPDATE audit SET address = 'a' || char(27) || '[31m' || char(8232) || 'b', details = 'no' || char(10)",
    )

    shown = installation.must("audit", "list")

    assert "a\\x1b[31m\\u2028b" in shown
    assert "unreadable=no\\n" in shown
    assert not set(shown) & {"\x1b", "\u2028"}
    assert "\u2028" not in installation.must("audit", "list", "--json")


def test_a_log_as_it_was_written_is_good(installation: Installation) -> None:
    """Exit code 0; the head is what `--expect` takes."""
    installation.add("ada")
    seal(installation)

    shown = installation.must("audit", "verify")
    report = json.loads(installation.must("audit", "verify", "--json"))

    assert shown == f"1 entry, sealed up to number 1.\nHead: {report['head']}\n"
    assert report | {"longest_wait_ms": 0} == {
        "ok": True,
        "entries": 1,
        "sealed": 1,
        "head": report["head"],
        "longest_wait_ms": 0,
        "findings": [],
    }
    installation.must("audit", "verify", "--expect", report["head"])
    assert installation.run("audit", "verify", "--expect", f"1:{'0' * 64}").exit_code == 1
    for odd in ("1", "x:y", f"1:{'0' * 63}", f"-1:{'0' * 64}"):
        assert installation.run("audit", "verify", "--expect", odd).exit_code == 2


SWAP = [
    "UPDATE audit SET number = -1 WHERE number = 1",
    "UPDATE audit SET number = 1 WHERE number = 2",
    "UPDATE audit SET number = 2 WHERE number = -1",
]

TAMPERING: dict[str, tuple[list[str], str]] = {
    "changed": (["UPDATE audit SET sub = 'x' WHERE number = 2"], "Entry 2: changed."),
    "removed": (["DELETE FROM audit WHERE number IN (2, 3)"], "Entries 2 to 3: removed."),
    "moved": (SWAP, "Entry 1: moved here, sealed as entry 2.\nEntry 2: moved here, sealed as entry 1."),
    "added": (["UPDATE audit SET number = 9 WHERE number = 3"], "Entry 9: added, or the log's counter was set back."),
    "seal": (["UPDATE audit_seals SET mac = x'00'"], "seal 1 over them is changed, or not ours."),
    "not sealed": (["DELETE FROM audit_seals", "UPDATE audit SET at_ms = 0"], "Entries 1 to 3: not sealed"),
}


def test_tampering_is_named(installation: Installation) -> None:
    """Which entry, and what; exit code 1."""
    for user in ("ada", "bob", "cyd"):
        installation.add(user)
    seal(installation)
    copy = installation.database.read_bytes()
    for name, (statements, sentence) in TAMPERING.items():
        installation.restore(copy)
        sql(installation, *statements)

        result = installation.run("audit", "verify")
        as_json = installation.run("audit", "verify", "--json")

        assert (result.exit_code, as_json.exit_code) == (1, 1), name
        assert sentence in result.stdout
        assert result.stderr == "Error: The audit log is not as it was written.\n"
        report = json.loads(as_json.stdout)
        assert report["ok"] is False
        assert all(finding["says"] in result.stdout for finding in report["findings"])


def test_every_fault_has_a_sentence() -> None:
    """Whatever is found can be said."""
    faults: dict[Any, Callable[[Any], str]] = audit._SENTENCES
    for fault in audit.Fault:
        said = faults[fault](audit.Finding(fault=fault, first=1, last=2, moved_from=3, seal=4, says="5"))
        assert said.startswith("Entries 1 to 2: ")


def test_very_many_findings_are_counted(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """And all are in the JSON. Before a server has sealed them, entries of the command line are no finding."""
    monkeypatch.setattr(audit, "_MOST_PRINTED", 1)
    for user in ("ada", "bob"):
        installation.add(user)
    assert installation.must("audit", "verify") == "2 entries, sealed up to number 0.\n"
    seal(installation)
    sql(installation, "UPDATE audit SET sub = 'x'")

    assert "And 1 more; --json has them all." in installation.run("audit", "verify").stdout
