"""An audit from beginning to end: every chosen check on what was observed, and an account of those that could not be.

Nothing is passed over in silence: a check without its subject stands in the report with the reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from keyturn.server.doctor.findings import Chapter, Check, Finding, Severity

LONGEST: Final = 500
"""Characters of what was seen: a stranger may have written some of it."""

Subjects = Mapping[type, object]
Reasons = Mapping[type, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMade:
    """Checks that could not be made, by their ids, and why."""

    chapter: str
    checks: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of it; *made* is how many checks were made."""

    findings: tuple[Finding, ...]
    made: int
    not_made: tuple[NotMade, ...]

    def worst(self) -> Severity | None:
        """Return the highest severity that was found."""
        return max((each.check.severity for each in self.findings), key=lambda found: found.rank, default=None)

    def counts(self) -> Mapping[Severity, int]:
        """Return how many findings there are of each severity that was found, the worst first."""
        found = [each.check.severity for each in self.findings]
        return {severity: found.count(severity) for severity in reversed(Severity) if severity in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was observed: a *subject* of each type, or the reason why there is none."""

    subjects: Subjects
    reasons: Reasons


def examine(chapters: Sequence[Chapter[Any]], observed: Observed) -> Report:
    """Make every check of *chapters* for which there is a subject."""
    possible = [chapter for chapter in chapters if chapter.subject in observed.subjects]
    findings = [each for chapter in possible for each in _findings(chapter, observed.subjects[chapter.subject])]
    return Report(
        findings=tuple(findings),
        made=sum(len(chapter.checks) for chapter in possible),
        not_made=tuple(_not_made(chapter, observed.reasons) for chapter in chapters if chapter not in possible),
    )


def _findings(chapter: Chapter[Any], subject: object) -> Iterator[Finding]:
    found = (Finding(check=check, chapter=chapter.name, seen=seen) for check, seen in _seen(chapter, subject))
    yield from sorted(found, key=lambda each: -each.check.severity.rank)


def _seen(chapter: Chapter[Any], subject: object) -> Iterator[tuple[Check[Any], str]]:
    for check in chapter.checks:
        for seen in dict.fromkeys(check.judge(subject)):
            yield check, seen if len(seen) <= LONGEST else f"{seen[:LONGEST]} …"


def _not_made(chapter: Chapter[Any], reasons: Reasons) -> NotMade:
    why = reasons.get(chapter.subject, "not asked for")
    return NotMade(chapter=chapter.name, checks=tuple(check.id for check in chapter.checks), why=why)
