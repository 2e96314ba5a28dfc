"""What ``keyturn attack`` prints for people: the flaws and their mends, what could not be judged, the sum."""

from collections.abc import Iterable
from typing import Any, Final

from keyturn.attack.case import Case
from keyturn.attack.masking import masked
from keyturn.attack.model import Verdict
from keyturn.attack.results import Hit, Report, Result, counted
from keyturn.cli.output import Column, listed, note, print_json, print_table, say
from keyturn.cli.output import counted as said


def print_cases(cases: tuple[Case, ...], *, as_json: bool) -> None:
    """Print what can be played."""
    rows = [
        {
            "id": case.id,
            "severity": case.severity.value,
            "title": case.title,
            "needs": case.need.value,
            "meaning": case.meaning,
            "mend": case.mend,
            "reference": case.reference,
        }
        for case in cases
    ]
    if as_json:
        print_json({"items": rows})
    else:
        print_table(rows, _CASES)


def print_report(report: Report) -> None:
    """Print *report*, the flaws first."""
    if report.flaws:
        print_table([_flaw(result) for result in report.flaws], _FLAWS)
        for case in dict.fromkeys(result.case for result in report.flaws):
            say("")
            say(f"{case.id} ({case.severity.value}). {case.meaning}")
            say(f"  Mend: {case.mend}")
            say(f"  {case.reference}")
        say("")
    unknown = _unknown(report.results)
    if unknown:
        print_table(unknown, _UNKNOWN)
        say("")
    say(_sum(report))
    for line in report.notes:
        note(masked(line))


def _sum(report: Report) -> str:
    results = report.results
    flaws = counted(results, Verdict.FLAW)
    return (
        f"{'No flaw' if not flaws else said(flaws, 'flaw')}, {counted(results, Verdict.SOUND)} sound, "
        f"{counted(results, Verdict.INCONCLUSIVE)} inconclusive, {counted(results, Verdict.NOT_PLAYED)} not played; "
        f"{said(report.sent, 'request')} in {report.lasted:.1f} s."
    )


def _flaw(result: Result) -> dict[str, Any]:
    return {
        "severity": result.case.severity.value,
        "id": result.case.id,
        "place": masked(result.place),
        "because": result.because,
        "by": _by(result.hits),
    }


def _unknown(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Return what is not known, a row for each reason."""
    rows: dict[tuple[Verdict, str], dict[str, None]] = {}
    for result in results:
        if result.verdict in {Verdict.INCONCLUSIVE, Verdict.NOT_PLAYED}:
            rows.setdefault((result.verdict, result.because), {})[result.case.id] = None
    return [
        {"verdict": verdict.value.replace("_", " "), "because": because, "cases": listed(list(cases))}
        for (verdict, because), cases in rows.items()
    ]


def _by(hits: tuple[Hit, ...]) -> str:
    named = [f"{hit.variant} ({hit.status})" for hit in hits[:_NAMED]]
    more = len(hits) - len(named)
    return "; ".join([*named, f"{more} more"] if more else named)


_NAMED: Final = 3
_FLAWS: Final = (
    Column("SEVERITY", "severity"),
    Column("FLAW", "id", narrow="whole"),
    Column("WHERE", "place"),
    Column("WHAT", "because"),
    Column("BY", "by"),
)
_UNKNOWN: Final = (
    Column("VERDICT", "verdict", narrow="whole"),
    Column("BECAUSE", "because"),
    Column("CASES", "cases"),
)
_CASES: Final = (
    Column("CASE", "id", narrow="whole"),
    Column("SEVERITY", "severity"),
    Column("NEEDS", "needs"),
    Column("WHAT A TARGET WITH THE FLAW DOES", "title"),
)
