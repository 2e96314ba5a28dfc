"""The audit log. Numbers come from one locked row, so that they have no gap and appear in order."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from keyturn.core.model import AuditEntry, AuditEvent, AuditKind, Origin
from keyturn.core.ports import AuditFilter
from keyturn.store.sql.script import AnyText, Connection, Row, Rows, Script

TAKE_NUMBERS = "UPDATE audit_sequence SET last = last + :count RETURNING last"

INSERT = """
INSERT INTO audit (number, at_ms, kind, sub, sid, reason, actor, address, browser, request_id, details)
VALUES (:number, :at_ms, :kind, :sub, :sid, :reason, :actor, :address, :browser, :request_id, :details)
"""

COLUMNS = "number, at_ms, kind, sub, sid, reason, actor, address, browser, request_id, details"

LIST_PAGE = AnyText(f"""
SELECT {COLUMNS} FROM audit WHERE number > :after ORDER BY number LIMIT :most
""")  # noqa: S608 - our own names

# There is no index but that of the number: each would cost every login more than it spares whoever reads the log.
NEWEST = AnyText(f"""
SELECT {COLUMNS} FROM audit
WHERE number >= :least AND number < :before AND CAST(number AS BIGINT) = number
    AND (CAST(:sub AS TEXT) IS NULL OR sub = :sub)
    AND (CAST(:sid AS TEXT) IS NULL OR sid = :sid)
    AND (CAST(:kind AS TEXT) IS NULL OR kind = :kind)
    AND (CAST(:since_ms AS BIGINT) IS NULL OR at_ms >= :since_ms)
    AND (CAST(:until_ms AS BIGINT) IS NULL OR at_ms < :until_ms)
ORDER BY number DESC LIMIT :most
""")  # noqa: S608 - our own names

STRAYS = AnyText("""
SELECT number FROM audit WHERE number < 1
UNION ALL
SELECT number FROM audit WHERE number > COALESCE(CAST((SELECT MIN(last) FROM audit_sequence) AS BIGINT), 0)
ORDER BY number LIMIT :most
""")


class SqlAuditLog:
    """`core.ports.AuditLog` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def append(self, events: Sequence[AuditEvent]) -> None:
        """Write the events."""
        await self._connection.write(append, events)

    async def list_page(self, after: int, most: int) -> Sequence[tuple[int, AuditEvent]]:
        """Return up to *most* events behind the number *after*, each with its number."""
        return await self._connection.read(_list_page, after, most)

    async def entries(self, after: int, most: int) -> Sequence[AuditEntry]:
        """Return up to *most* entries behind the number *after* in order; one without a number has -1."""
        return await self._connection.read(_entries, after, most)

    async def newest(self, wanted: AuditFilter, *, least: int, before: int, most: int) -> Sequence[AuditEntry]:
        """Return up to *most* of the entries numbered *least* or more, but below *before*, the newest first."""
        return await self._connection.read(_newest, wanted, least, before, most)

    async def strays(self, most: int) -> Sequence[int]:
        """Return up to *most* numbers of entries that no number was given out for; there should be none."""
        return await self._connection.read(_strays, most)


def append(events: Sequence[AuditEvent]) -> Script[None]:
    """Write the events, as a part of any step."""
    if not events:
        return
    ((last,),) = yield TAKE_NUMBERS, {"count": len(events)}
    for number, event in enumerate(events, start=last - len(events) + 1):
        yield (
            INSERT,
            {
                "number": number,
                "at_ms": event.at_ms,
                "kind": event.kind.value,
                "sub": event.sub,
                "sid": event.sid,
                "reason": event.reason,
                "actor": event.origin.actor,
                "address": event.origin.address,
                "browser": event.origin.browser,
                "request_id": event.origin.request_id,
                "details": json.dumps(dict(event.details)),
            },
        )


def entries_of(rows: Rows) -> list[AuditEntry]:
    """Return the entries of rows with `COLUMNS`. One whose number is none has no place in the order, and is left out.

    SQLite takes a value of any type in any column: what is not of the column's is made one that never was sealed.
    """
    return [_entry(row) for row in rows if type(row[0]) is int]


def whole(value: object) -> int:
    """Return *value*, or a number that never was one of ours."""
    return value if type(value) is int else -1


def _entries(after: int, most: int) -> Script[list[AuditEntry]]:
    rows = yield LIST_PAGE, {"after": after, "most": most}
    return [_entry(row) for row in rows]


def _newest(wanted: AuditFilter, least: int, before: int, most: int) -> Script[list[AuditEntry]]:
    rows = yield NEWEST, {"least": least, "before": before, "most": most} | asdict(wanted)
    return entries_of(rows)


def _strays(most: int) -> Script[list[int]]:
    rows = yield STRAYS, {"most": most}
    return [whole(number) for (number,) in rows]


def _entry(row: Row) -> AuditEntry:
    kind, sub, sid, reason, actor, address, browser, request_id, details = map(_text, row[2:])
    return AuditEntry(
        number=whole(row[0]),
        at_ms=whole(row[1]),
        kind=kind or "",
        sub=sub,
        sid=sid,
        reason=reason or "",
        actor=actor or "",
        address=address or "",
        browser=browser or "",
        request_id=request_id or "",
        details=details or "",
    )


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else repr(value)


def _list_page(after: int, most: int) -> Script[list[tuple[int, AuditEvent]]]:
    rows = yield LIST_PAGE, {"after": after, "most": most}
    return [(row[0], _event(row)) for row in rows]


def _event(row: Row) -> AuditEvent:
    _, at_ms, kind, sub, sid, reason, actor, address, browser, request_id, details = row
    return AuditEvent(
        at_ms=at_ms,
        kind=AuditKind(kind),
        sub=sub,
        sid=sid,
        reason=reason,
        origin=Origin(actor=actor, address=address, browser=browser, request_id=request_id),
        details=json.loads(details),
    )
