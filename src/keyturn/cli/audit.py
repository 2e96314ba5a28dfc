"""``keyturn audit``: what happened, and whether the log of it is as it was written."""

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final

import typer
from rich.status import Status

from keyturn.cli.commands import FAILED, examples, noun
from keyturn.cli.moments import parse_moment
from keyturn.cli.opening import run
from keyturn.cli.options import ConfigOption, JsonOption
from keyturn.cli.output import Column, complain, moment, note, optional, print_json, print_table, say, working
from keyturn.core import audit, users
from keyturn.core.audit_chain import Fault, Finding
from keyturn.core.audit_check import Report, verify
from keyturn.core.model import AuditEntry, AuditKind
from keyturn.core.ports import AuditFilter
from keyturn.core.services import Services
from keyturn.server.endpoints.admin.audit import shown

app = noun("audit", "keyturn audit list --user alice", "keyturn audit verify")

ExpectOption = Annotated[
    list[str] | None,
    typer.Option("--expect", metavar="HEAD", help="A head that was noted before, NUMBER:HASH. May be repeated."),
]


@app.command(
    "list",
    epilog=examples(
        "keyturn audit list",
        "keyturn audit list --user alice --since 2026-11-21",
        "keyturn audit list --kind login --json",
    ),
)
def list_(
    *,
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="Of this user.")] = None,
    sub: Annotated[str | None, typer.Option("--sub", help="Of the user with this subject.")] = None,
    sid: Annotated[str | None, typer.Option("--sid", help="Of this session.")] = None,
    kind: Annotated[
        AuditKind | None, typer.Option("--kind", metavar="KIND", help="Of this kind, such as login, or token_reused.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="From then on.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many at most.")] = 100,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List what happened: the newest entries, the newest last.

    A time is 'now', epoch seconds, or such as 2026-11-21T09:30:00Z.
    """
    if user is not None and sub is not None:
        raise typer.BadParameter("Name the user by --user or by --sub.")

    async def work(services: Services, now_ms: int) -> list[AuditEntry]:
        wanted = AuditFilter(
            sub=sub if user is None else (await users.get_by_name(services, user)).sub,
            sid=sid,
            kind=kind,
            since_ms=_milliseconds(since, now_ms),
            until_ms=_milliseconds(until, now_ms),
        )
        return await _newest(services, wanted, limit + 1)

    found = run(config, work)
    rows = [shown(entry) for entry in reversed(found[:limit])]
    if as_json:
        print_json({"items": rows})
    else:
        print_table([row | {"facts": _facts(row)} for row in rows], _COLUMNS)
    if len(found) > limit:
        note(f"There are more than {limit}, older ones: narrow it down, or raise --limit.")


@app.command(
    "verify",
    epilog=examples(
        "keyturn audit verify",
        "keyturn audit verify --expect 4711:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ),
)
def verify_(expect: ExpectOption = None, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Say whether the audit log is as it was written: no entry changed, removed, moved or added, every seal ours.

    It may be done while servers run. The exit code is 1 if anything is wrong. Note the head that it prints, elsewhere:
    with --expect it finds also what was cut off from the end, or put back from an old copy.
    """
    expected = [_head(text) for text in expect or ()]
    with working("Verifying …") as status:
        told = partial(_show, status)
        report = run(
            config,
            lambda services, now_ms: verify(
                services.store, services.master_keys, now_ms=now_ms, expected=expected, told=told
            ),
        )
    if as_json:
        print_json(_as_json(report))
    else:
        _print(report)
    if report.findings:
        raise typer.Exit(FAILED)


async def _newest(services: Services, wanted: AuditFilter, most: int) -> list[AuditEntry]:
    """Return up to *most* entries, the newest first, read a page at a time."""
    found: list[AuditEntry] = []
    before: int | None = None
    while len(found) < most:
        page = await audit.read_page(services, wanted, before=before, most=min(_PAGE, most - len(found)))
        found += page.entries
        before = page.before
        if before is None:
            break
    return found


def _milliseconds(text: str | None, now_ms: int) -> int | None:
    return None if text is None else parse_moment(text, now=now_ms // 1000) * 1000


def _head(text: str) -> str:
    if _HEAD.fullmatch(text) is None:
        raise typer.BadParameter("A head is what 'keyturn audit verify' and the server's log print: NUMBER:HASH.")
    return text


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "ok": not report.findings,
        "entries": report.entries,
        "sealed": report.sealed,
        "head": report.head,
        "longest_wait_ms": report.longest_wait_ms,
        "findings": [_finding_row(finding) for finding in report.findings],
    }


def _finding_row(finding: Finding) -> dict[str, Any]:
    return {
        "fault": finding.fault.value,
        "first": finding.first,
        "last": finding.last,
        "moved_from": finding.moved_from,
        "seal": finding.seal,
        "says": _SENTENCES[finding.fault](finding),
    }


def _print(report: Report) -> None:
    for finding in report.findings[:_MOST_PRINTED]:
        say(_SENTENCES[finding.fault](finding))
    if len(report.findings) > _MOST_PRINTED:
        say(f"And {len(report.findings) - _MOST_PRINTED} more; --json has them all.")
    say(f"{_counted(report.entries)}, sealed up to number {report.sealed}.")
    if report.longest_wait_ms > _NOTABLE_WAIT_MS:
        note(f"The longest that an entry waited for its seal: {report.longest_wait_ms // 1000} seconds.")
    if report.head is not None:
        say(f"Head: {report.head}")
    if report.findings:
        complain("The audit log is not as it was written.")


def _counted(entries: int) -> str:
    return f"{entries} {'entry' if entries == 1 else 'entries'}"


def _entries(finding: Finding) -> str:
    if finding.first >= finding.last:
        return f"Entry {finding.first}"
    return f"Entries {finding.first} to {finding.last}"


def _facts(row: dict[str, Any]) -> str:
    """Return what else an entry says, in one cell."""
    return " ".join([*filter(None, [row["reason"]]), *(f"{name}={value}" for name, value in row["details"].items())])


def _show(status: object, done: int, of: int) -> None:
    if isinstance(status, Status):
        status.update(f"Verifying entry {done} of {of} …")


_SENTENCES: Final[dict[Fault, Callable[[Finding], str]]] = {
    Fault.CHANGED: lambda found: f"{_entries(found)}: changed.",
    Fault.MOVED: lambda found: f"{_entries(found)}: moved here, sealed as entry {found.moved_from}.",
    Fault.REMOVED: lambda found: f"{_entries(found)}: removed.",
    Fault.REMOVED_UNSEALED: lambda found: f"{_entries(found)}: removed before being sealed.",
    Fault.ADDED: lambda found: f"{_entries(found)}: added, or the log's counter was set back.",
    Fault.SEAL_CHANGED: lambda found: f"{_entries(found)}: seal {found.seal} over them is changed, or not ours.",
    Fault.SEAL_REMOVED: lambda found: f"{_entries(found)}: the seals over them, from {found.seal} on, are removed.",
    Fault.BEGUN_ANEW: lambda found: (
        f"{_entries(found)}: with seal {found.seal} a new chain begins, since a server found the one before not ours."
    ),
    Fault.UNKNOWN_KEY: lambda found: (
        f"{_entries(found)}: sealed from seal {found.seal} on with master key {found.says}, which is not in"
        " keys.master_key, and no key that is vouches for it."
    ),
    Fault.NOT_SEALED: lambda found: (
        f"{_entries(found)}: not sealed, and there for more than a minute. A server that runs seals each second."
    ),
    Fault.NOT_AS_EXPECTED: lambda found: f"{_entries(found)}: not what was there when {found.says} was noted.",
}
_HEAD: Final = re.compile(r"(0|[1-9][0-9]{0,17}):[0-9a-f]{64}", re.ASCII)
_PAGE: Final = 1000
_MOST_PRINTED: Final = 100
_NOTABLE_WAIT_MS: Final = 60_000


_COLUMNS: Final = (
    Column("NUMBER", "number", justify="right"),
    Column("TIME", "at", moment),
    Column("WHAT", "kind"),
    Column("USER", "sub", optional, narrow="whole"),
    Column("SID", "session_id", optional, narrow="whole"),
    Column("WHO", "actor"),
    Column("WHERE", "address"),
    Column("WHY", "facts"),
)
