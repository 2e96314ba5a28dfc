"""A report as JSON: a version, what was attacked, what was found. No token is in it, nor any text of the target's."""

from typing import Any, Final

from keyturn.attack.judging import Baseline
from keyturn.attack.masking import masked
from keyturn.attack.model import Answer
from keyturn.attack.results import Report, Result

#: Goes up when a member changes its meaning or goes.
FORMAT: Final = 1


def to_json(report: Report) -> dict[str, Any]:
    """Return *report* as JSON values."""
    return {
        "format": FORMAT,
        "target": masked(report.url),
        "began_at": report.began_at,
        "seconds": round(report.lasted, 1),
        "requests": report.sent,
        "max_requests": report.max_requests,
        "routes": [_route(baseline) for baseline in report.baselines],
        "items": [_result(result) for result in report.results],
        "notes": [masked(note) for note in report.notes],
    }


def _route(baseline: Baseline) -> dict[str, Any]:
    return {
        "route": masked(str(baseline.route)),
        "standing": baseline.standing.value,
        "because": baseline.because,
        "good_token": _status(baseline.good),
        "no_token": baseline.without.status,
        "garbage": baseline.garbage.status,
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "id": result.case.id,
        "place": masked(result.place),
        "verdict": result.verdict.value,
        "severity": result.case.severity.value,
        "title": result.case.title,
        "because": result.because,
        "meaning": result.case.meaning,
        "mend": result.case.mend,
        "reference": result.case.reference,
        "hits": [{"variant": hit.variant, "status": hit.status} for hit in result.hits],
        "requests": result.requests,
    }


def _status(answer: Answer | None) -> int | None:
    return None if answer is None else answer.status
