"""How an audit is told: grouped for people, with colours where somebody watches, or as one object for programs."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from keyturn.cli.output import Column, counted, print_lines, print_table, printable, result_console
from keyturn.server.configuration.sources import DEVELOPMENT_FILE
from keyturn.server.doctor.audit import Outcome
from keyturn.server.doctor.catalogue import Chapters
from keyturn.server.doctor.examination import Report
from keyturn.server.doctor.findings import Check, Finding, Severity
from keyturn.server.doctor.machine import Machine

STYLES: Final = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}


def document(outcome: Outcome) -> dict[str, Any]:
    """Return all of it for programs."""
    report, worst = outcome.report, outcome.report.worst()
    return {
        "findings": [check_row(each.check, each.chapter) | {"seen": each.seen} for each in report.findings],
        "not_made": [{"chapter": each.chapter, "checks": each.checks, "why": each.why} for each in report.not_made],
        "measured": None if outcome.machine is None else _measured(outcome.machine),
        "made": report.made,
        "worst": None if worst is None else worst.value,
        "counts": {severity.value: count for severity, count in report.counts().items()},
        "config": None if outcome.config is None else str(outcome.config),
    }


def check_row(check: Check[Any], chapter: str) -> dict[str, Any]:
    """Return what there is to say of a check."""
    return {
        "id": check.id,
        "severity": check.severity.value,
        "chapter": chapter,
        "meaning": check.meaning,
        "mend": check.mend,
        "reference": check.reference,
    }


def print_checks(chapters: Chapters) -> None:
    """Print all checks of *chapters* as a table."""
    rows = [check_row(check, chapter.name) for chapter in chapters for check in chapter.checks]
    print_table(rows, _COLUMNS)


def print_report(outcome: Outcome, chapters: Chapters) -> None:
    """Print the findings by chapter, what was measured, which checks could not be made, and the sum of it."""
    console, report = result_console(), outcome.report
    widest = max((len(each.check.id) for each in report.findings), default=0)
    for chapter in chapters:
        found = [each for each in report.findings if each.chapter == chapter.name]
        if found:
            _print_chapter(console, chapter.title, found, widest)
    if outcome.config == DEVELOPMENT_FILE:
        console.print(Text("Made by keyturn dev, where what is left over from development belongs."))
    if outcome.machine is not None:
        console.print(Text(_measured_told(outcome.machine)))
    for line in _not_made(report):
        console.print(Text(line, style="dim"))
    console.print(Text(summary(report), style="bold"))


def summary(report: Report) -> str:
    """Return the last line: how many findings there are, of which severity, and how many checks were made."""
    not_made = sum(len(each.checks) for each in report.not_made)
    made = f"{counted(report.made, 'check')} made{f', {not_made} not' if not_made else ''}"
    if not report.made:
        return f"No check made{f', {not_made} could not be' if not_made else ''}."
    if not report.findings:
        return f"Nothing found: {made}."
    parts = ", ".join(f"{count} {severity}" for severity, count in report.counts().items())
    return f"{counted(len(report.findings), 'finding')}: {parts} ({made})."


def _print_chapter(console: Console, title: str, findings: Sequence[Finding], widest: int) -> None:
    console.print(Text(title, style="bold"))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=len(Severity.CRITICAL), no_wrap=True)
    table.add_column(width=widest, no_wrap=True)
    table.add_column(overflow="fold")
    for each in findings:
        table.add_row(*_cells(each))
    print_lines(table)


def _cells(finding: Finding) -> tuple[Text, Text, Text]:
    check = finding.check
    told = Text(printable(finding.seen), style="bold")
    told.append(f"\n{check.meaning}", style="not bold")
    told.append(f"\nMend: {check.mend}", style="not bold green")
    told.append(f"\nSee: {check.reference}\n", style="not bold dim")
    return Text(check.severity.value, style=STYLES[check.severity]), Text(check.id), told


def _not_made(report: Report) -> Iterator[str]:
    whys = dict.fromkeys(each.why for each in report.not_made)
    for why in whys:
        parts = [f"{each.chapter} ({len(each.checks)})" for each in report.not_made if each.why == why]
        yield f"Not made, because {printable(why)}: {', '.join(parts)}."


def _measured(machine: Machine) -> dict[str, Any]:
    return {
        "hash_seconds": round(machine.hash_seconds, 4),
        "hashes_at_once": machine.threads * machine.workers,
        "cores": machine.cores,
        "logins_per_second": round(_logins(machine), 1),
    }


def _measured_told(machine: Machine) -> str:
    at_once = machine.threads * machine.workers
    return (
        f"Measured: a password hash takes {machine.hash_seconds * 1000:.0f} ms here; {at_once} at once on"
        f" {counted(machine.cores, 'core')} make about {_logins(machine):.0f} logins a second at most."
    )


def _logins(machine: Machine) -> float:
    return min(machine.threads * machine.workers, machine.cores) / machine.hash_seconds


_COLUMNS: Final = (
    Column("CHAPTER", "chapter"),
    Column("ID", "id", narrow="whole"),
    Column("SEVERITY", "severity"),
    Column("MEANING", "meaning"),
    Column("SEE", "reference"),
)
