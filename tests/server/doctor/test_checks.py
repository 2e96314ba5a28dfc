"""Every check: something provokes it, and the nearest thing does not."""

from collections import Counter
from pathlib import Path
from typing import Any

import cases_local
import cases_public
import cases_settings
import pytest
from doctor_world import CHECKS, NOW, answer, identity, kept, machine, published, seen, settings

from keyturn.server.doctor import catalogue
from keyturn.server.doctor.database import Door, Looked
from keyturn.server.doctor.examination import Observed, examine
from keyturn.server.doctor.files import Files
from keyturn.server.doctor.identity import Identity
from keyturn.server.doctor.kept import Kept
from keyturn.server.doctor.machine import Machine
from keyturn.server.doctor.published import Probe, Published, Reach
from keyturn.server.doctor.reading import Read
from keyturn.server.settings import Settings
from keyturn.store.sql.survey import MANY, Overdue, Waiting

CASES = [*cases_settings.CASES, *cases_local.CASES, *cases_public.CASES]
NAMES = [f"{check}-{number}" for number, (check, _, _) in enumerate(CASES)]
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "doctor.md"

SOUND: dict[type, object] = {
    Read: Read(),
    Identity: identity(),
    Settings: settings(),
    Files: Files(),
    Machine: machine(),
    Looked: Looked(door=Door.OPEN),
    Kept: kept(),
    Reach: Reach(asked_at="https://auth.example.com"),
    Published: published(),
}


@pytest.mark.parametrize(("check", "provoking", "_near"), CASES, ids=NAMES)
def test_it_is_found(check: str, provoking: Any, _near: Any) -> None:
    """What is wrong is found, and told in a sentence."""
    sentences = seen(check, provoking)
    assert sentences
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize(("check", "_provoking", "near"), CASES, ids=NAMES)
def test_it_is_not_found(check: str, _provoking: Any, near: Any) -> None:
    """What is barely good is left alone."""
    assert seen(check, near) == []


def test_rows_that_are_left_over_are_told_by_number_and_age() -> None:
    """A count up to what is counted, and how long the oldest could have been gone."""
    few = Overdue(table="revocations", rows=MANY - 1, since=NOW - 5400)
    many = Overdue(table="sessions", rows=MANY, since=NOW - 7200)
    assert seen("rows-overdue", kept(overdue=(few, many))) == [
        "9999 rows of revocations should have gone, the oldest 1.5 h ago.",
        "At least 10000 rows of sessions should have gone, the oldest 2.0 h ago.",
    ]


def test_entries_without_a_seal_are_told_by_number_and_age() -> None:
    """A count up to what is counted, and for how long the oldest could have been changed."""
    few = Waiting(entries=MANY - 1, since_ms=(NOW - 7200) * 1000)
    many = Waiting(entries=MANY, since_ms=(NOW - 120) * 1000)
    told = "Entries of the audit log that no seal covers: {}, the oldest {} min old."
    assert seen("audit-unsealed", kept(waiting=few)) == [told.format(9999, 120)]
    assert seen("audit-unsealed", kept(waiting=many)) == [told.format("10000 or more", 2)]


def test_why_there_are_no_metadata() -> None:
    """No answer, a status, or what is no JSON object."""
    assert seen("metadata-missing", published({Probe.METADATA: answer(status=0)})) == ["There is no answer."]
    assert seen("metadata-missing", published({Probe.METADATA: answer(status=404)})) == ["The answer has status 404."]
    assert seen("metadata-missing", published({Probe.METADATA: answer(b"[]")})) == ["The answer is no JSON object."]


def test_every_check_has_both() -> None:
    """No check is without a case that provokes it and one that does not."""
    assert {check for check, _, _ in CASES} == CHECKS.keys()


def test_every_check_is_told_apart() -> None:
    """A name means one thing, and every check says what it means, how to mend it, and what it goes by."""
    named = [*(chapter.name for chapter in catalogue.CHAPTERS), *(check.id for check in catalogue.all_checks())]
    assert [name for name, count in Counter(named).items() if count > 1] == []
    for check in CHECKS.values():
        assert check.meaning.endswith(".")
        assert check.mend.endswith(".")
        assert check.reference


def test_every_check_is_documented() -> None:
    """The reference has a row for each."""
    page = REFERENCE.read_text("utf-8")
    assert [check for check in CHECKS if f"| `{check}` |" not in page] == []


def test_every_guide_is_there() -> None:
    """Where a check goes by a guide of ours, that has such a heading."""
    guide = (REFERENCE.parents[1] / "operations.md").read_text("utf-8")
    named = [part for check in CHECKS.values() for part in check.reference.split("; ") if ".md" in part]
    assert named
    for part in named:
        file, _, heading = part.partition(", ")
        assert file == "operations.md"
        assert f"## {heading}\n" in guide, part


def test_what_is_sound_is_sound() -> None:
    """Where all is as it should be, every check is made and nothing is found."""
    report = examine(catalogue.CHAPTERS, Observed(subjects=SOUND, reasons={}))
    assert [(each.check.id, each.seen) for each in report.findings] == []
    assert report.made == len(CHECKS)
    assert report.not_made == ()
    assert report.worst() is None


def test_no_sentence_holds_a_secret() -> None:
    """A57: whatever is wrong, what is told of it holds neither password nor key of the settings."""
    told = [sentence for check, provoking, _ in CASES for sentence in seen(check, provoking)]
    assert not any("me:secret" in sentence or "AAECAwQF" in sentence for sentence in told)
