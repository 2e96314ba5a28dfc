"""Checks of the database: whether it is there and ours, its schema, its server, and whether old rows go."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keyturn.core.audit_check import PATIENCE_MS
from keyturn.server.clock import MAX_OFFSET_MS
from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.doctor.kept import Kept
from keyturn.store.sql.survey import MANY


class Door(StrEnum):
    """What came of looking into the database."""

    OPEN = "open"
    MISSING = "missing"
    UNUSABLE = "unusable"
    UNREACHABLE = "unreachable"
    OLD = "old"
    NEW = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What came of it, and a sentence that says more."""

    door: Door
    sentence: str = ""


def _missing(looked: Looked) -> Sentences:
    if looked.door is Door.MISSING:
        yield looked.sentence


def _unusable(looked: Looked) -> Sentences:
    if looked.door is Door.UNUSABLE:
        yield looked.sentence


def _unreachable(looked: Looked) -> Sentences:
    if looked.door is Door.UNREACHABLE:
        yield looked.sentence


def _schema_old(looked: Looked) -> Sentences:
    if looked.door is Door.OLD:
        yield looked.sentence


def _schema_new(looked: Looked) -> Sentences:
    if looked.door is Door.NEW:
        yield looked.sentence


def _clock_database(kept: Kept) -> Sentences:
    if abs(kept.offset_ms) > MAX_OFFSET_MS:
        yield f"The database's clock is {kept.offset_ms / 1000:+.1f} s from this host's."


def _superuser(kept: Kept) -> Sentences:
    if kept.survey.server and kept.survey.server.is_superuser:
        yield "The user in database.url is a superuser."


def _not_durable(kept: Kept) -> Sentences:
    if kept.survey.server and not kept.survey.server.is_durable:
        yield "synchronous_commit is off."


def _rows_overdue(kept: Kept) -> Sentences:
    for overdue in kept.survey.overdue:
        count = f"{overdue.rows} rows" if overdue.rows < MANY else f"At least {MANY} rows"
        hours = (kept.now - overdue.since) / 3600
        yield f"{count} of {overdue.table} should have gone, the oldest {hours:.1f} h ago."


def _audit_unsealed(kept: Kept) -> Sentences:
    waiting = kept.survey.waiting
    if waiting is None or not kept.survey.keys:  # before its first key no server has run on it
        return
    waited_ms = kept.now * 1000 - waiting.since_ms
    if waited_ms > PATIENCE_MS:
        count = f"{waiting.entries}" if waiting.entries < MANY else f"{MANY} or more"
        yield f"Entries of the audit log that no seal covers: {count}, the oldest {waited_ms / 60_000:.0f} min old."


CHAPTER: Final = Chapter(
    name="database",
    title="Database",
    subject=Looked,
    checks=(
        Check(
            id="database-missing",
            severity=Severity.HIGH,
            meaning="No server starts without its database, and none makes one by itself.",
            mend="Run `keyturn db upgrade`.",
            reference="operations.md, Set up",
            judge=_missing,
        ),
        Check(
            id="database-unusable",
            severity=Severity.HIGH,
            meaning="No server starts with it.",
            mend="Do what the sentence says.",
            reference="operations.md, Where the data is",
            judge=_unusable,
        ),
        Check(
            id="database-unreachable",
            severity=Severity.HIGH,
            meaning="Nobody can log in or refresh while it does not answer; tokens that are out stay good.",
            mend="Start it, or mend the address, the network or the firewall.",
            reference="operations.md, When a part is down",
            judge=_unreachable,
        ),
        Check(
            id="schema-old",
            severity=Severity.HIGH,
            meaning="A server of this release refuses to start with it.",
            mend="Back the database up and run `keyturn db upgrade`.",
            reference="operations.md, Upgrade",
            judge=_schema_old,
        ),
        Check(
            id="schema-new",
            severity=Severity.HIGH,
            meaning="A newer release has upgraded it; this one refuses to start with it.",
            mend="Run the newer release.",
            reference="operations.md, Upgrade",
            judge=_schema_new,
        ),
    ),
)

ROWS: Final = Chapter(
    name="rows",
    title="What the database does",
    subject=Kept,
    checks=(
        Check(
            id="clock-database",
            severity=Severity.MEDIUM,
            meaning="Servers go by the database's clock, APIs by their hosts': tokens look expired, or not yet valid.",
            mend="Run NTP on both hosts.",
            reference="VER-25; VER-26; RFC 7519 §4.1.4",
            judge=_clock_database,
        ),
        Check(
            id="database-superuser",
            severity=Severity.MEDIUM,
            meaning="Who finds a way into Keyturn is handed the whole database server.",
            mend="Make a user that owns this one database, and name it in database.url.",
            reference="OWASP ASVS 5.0 13.2.2",
            judge=_superuser,
        ),
        Check(
            id="commits-not-durable",
            severity=Severity.HIGH,
            meaning="A crash of the database can undo a logout that was answered; no server starts so.",
            mend="Run ALTER ROLE … SET synchronous_commit = on for the user in database.url.",
            reference="REF-08; REF-13",
            judge=_not_durable,
        ),
        Check(
            id="rows-overdue",
            severity=Severity.MEDIUM,
            meaning="What a server deletes each minute is there an hour later: none runs, or it can't keep up.",
            mend="Look for 'job failed' in the server's log. After a pause this is harmless.",
            reference="REF-16",
            judge=_rows_overdue,
        ),
        Check(
            id="audit-unsealed",
            severity=Severity.MEDIUM,
            meaning="Who changes them now is not found out: no server runs, which seals each second, or it fails to.",
            mend="Start a server; if one runs, look for 'seal the audit log' in its log.",
            reference="OPS-03; operations.md, Monitoring",
            judge=_audit_unsealed,
        ),
    ),
)
