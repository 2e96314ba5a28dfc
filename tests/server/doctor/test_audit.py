"""The audit of real installations: what can be looked at is, the rest is accounted for, nothing is changed."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from http_world import World
from installation import COMPLETE, MASTER_KEY, installed

from keyturn.server.clock import Clock
from keyturn.server.doctor import catalogue
from keyturn.server.doctor.audit import Outcome, Patient, audit
from keyturn.server.doctor.catalogue import Chapters
from keyturn.server.settings import Purpose

COMPLETE_ENVIRON = {
    "KEYTURN_ISSUER": COMPLETE["issuer"],
    "KEYTURN_ACCESS_TOKEN_AUDIENCE": "https://api.example.com",
    "KEYTURN_KEYS_MASTER_KEY": MASTER_KEY,
    "KEYTURN_PASSWORD_MEMORY_KIB": "7168",
    "KEYTURN_PASSWORD_TIME_COST": "5",
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def audited(environ: Mapping[str, str], chapters: Chapters = catalogue.CHAPTERS, **changes: Any) -> Outcome:
    """Audit what *environ* describes; nobody is asked unless *changes* say so."""
    patient = Patient(environ=environ, **{"is_offline": True, **changes})
    return asyncio.run(audit(patient, chapters, clock=Clock()))


def ids(outcome: Outcome) -> set[str]:
    """Return what was found."""
    return {each.check.id for each in outcome.report.findings}


def why_not(outcome: Outcome) -> dict[str, str]:
    """Return the chapters that could not be made, and why."""
    return {each.chapter: each.why for each in outcome.report.not_made}


def test_nothing_is_there() -> None:
    """Without settings what is missing is told, each thing once, and no database is made."""
    outcome = audited({})
    assert ids(outcome) >= {"issuer-missing", "audience-missing", "master-key-missing", "database-missing"}
    assert "settings-refused" not in ids(outcome)
    assert why_not(outcome)["keys"] == "the database can't be looked into"
    assert why_not(outcome)["reach"] == "--offline was given"
    assert list(Path().iterdir()) == []


def test_settings_that_stop_a_start() -> None:
    """Each problem is a finding of its own, beside what can be said of the rest."""
    unsafe = {
        "KEYTURN_ISSUER": "http://auth.example.com",
        "KEYTURN_ACCESS_TOKEN_LIFETIME": "2h",
        "KEYTURN_SERVER_PORT": "many",
        "KEYTURN_DATABASE_URL": "mysql://me:secret@localhost",
        "KEYTURN_PASSWORD_MEMORY_KIB": "1024",
    }
    outcome = audited(COMPLETE_ENVIRON | unsafe)
    refused = [each.seen for each in outcome.report.findings if each.check.id == "settings-refused"]
    assert {text.partition(" ")[0] for text in refused} == {
        "issuer",
        "access_token.lifetime",
        "server.port",
        "database.url",
        "password.memory_kib",
    }
    assert ids(outcome) >= {"plain-http", "lifetime-long", "hash-weak"}
    assert why_not(outcome)["database"] == "database.url is refused"
    assert why_not(outcome)["machine"] == "password.memory_kib is refused"
    assert "me:secret" not in str(outcome.report)


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    """It is one finding, and everything else says why it was not made."""
    config = tmp_path / "keyturn.toml"
    config.write_text("issuer =", "utf-8")
    outcome = audited({}, config=config)
    assert ids(outcome) == {"settings-unreadable"}
    assert set(why_not(outcome).values()) == {"the settings can't be read"}


def test_what_looks_like_a_setting() -> None:
    """A variable that is none of ours, and a setting without effect."""
    outcome = audited(COMPLETE_ENVIRON | {"KEYTURN_GRACE": "1s", "KEYTURN_RATE_LIMIT_TOKEN_PER_CLIENT": "1/1m"})
    assert ids(outcome) >= {"setting-unknown", "setting-without-effect"}


def test_a_secret_that_can_not_be_read() -> None:
    """The reference that leads nowhere is told, and not that there is no value: a new master key would be no mend."""
    outcome = audited(COMPLETE_ENVIRON | {"KEYTURN_KEYS_MASTER_KEY": "file:nowhere.key"})
    (refused,) = [each.seen for each in outcome.report.findings if each.check.id == "settings-refused"]
    assert "nowhere.key can't be read" in refused
    assert "master-key-missing" not in ids(outcome)


def test_an_issuer_that_is_refused() -> None:
    """It is not asked, and a password in it is not shown."""
    outcome = audited(COMPLETE_ENVIRON | {"KEYTURN_ISSUER": "http://me:secret@auth.example.com"}, is_offline=False)
    assert ids(outcome) >= {"settings-refused", "plain-http"}
    assert why_not(outcome)["reach"] == "issuer is refused"
    assert "me:secret" not in str(outcome.report)


def test_for_embedding() -> None:
    """Settings that are for a server inside an app may have what only a server of our own must not."""
    symmetric = COMPLETE_ENVIRON | {"KEYTURN_ACCESS_TOKEN_ALGORITHM": "HS256"}
    assert "settings-refused" in ids(audited(symmetric))
    assert "settings-refused" not in ids(audited(symmetric, purpose=Purpose.EMBED))


def test_only_what_is_asked_for_is_observed() -> None:
    """An audit of the network alone measures no hash."""
    assert audited(COMPLETE_ENVIRON, catalogue.chosen(only={"network"})).machine is None
    assert audited(COMPLETE_ENVIRON, catalogue.chosen(only={"hash-dear"})).machine is not None


def test_a_secret_is_nowhere(tmp_path: Path) -> None:
    """A57: neither the report nor anything else that comes of it holds the master key."""
    installed(tmp_path)
    outcome = audited(COMPLETE_ENVIRON | {"KEYTURN_DATABASE_URL": f"sqlite:///{tmp_path}/keyturn.db"})
    assert "secret-in-environment" in ids(outcome)
    assert MASTER_KEY not in repr(outcome)


async def test_a_running_server_and_its_database(world: World, tmp_path: Path) -> None:
    """An installation and its running issuer go together; another issuer's keys are noticed."""
    environ = COMPLETE_ENVIRON | {
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": "https://api.example.com",
        "KEYTURN_DATABASE_URL": f"sqlite:///{tmp_path}/keyturn.db",
    }

    def new_client() -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=world.app, client=("198.51.100.7", 50000))
        return httpx2.AsyncClient(transport=transport)

    chapters = catalogue.chosen(skip={"machine"})
    outcome = await audit(Patient(environ=environ, new_client=new_client), chapters, clock=world.clock)
    assert "jwks-differs" not in ids(outcome)
    assert why_not(outcome) == {}

    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    other = environ | {"KEYTURN_DATABASE_URL": f"sqlite:///{elsewhere}/keyturn.db"}
    await asyncio.to_thread(installed, elsewhere)
    outcome = await audit(Patient(environ=other, new_client=new_client), chapters, clock=world.clock)
    assert "jwks-differs" in ids(outcome)


def test_an_issuer_that_was_named_has_to_answer() -> None:
    """One that stands in the settings may not run yet; one that was named on the command line is expected to."""
    nowhere = "http://127.0.0.1:1"
    own = audited(COMPLETE_ENVIRON | {"KEYTURN_ISSUER": nowhere}, is_offline=False)
    assert "issuer-unreachable" not in ids(own)
    assert "does not answer" in why_not(own)["reach"]
    for named in ({"issuer_url": nowhere}, {"outside": nowhere}):
        assert "issuer-unreachable" in ids(audited(COMPLETE_ENVIRON, is_offline=False, **named))


def test_from_outside_nothing_of_here_is_looked_at() -> None:
    """With an issuer's URL alone the settings of this folder do not matter."""
    outcome = audited({"KEYTURN_ISSUER": "nonsense"}, outside="http://127.0.0.1:1", is_offline=False)
    assert ids(outcome) == {"issuer-unreachable"}
    assert outcome.machine is None
