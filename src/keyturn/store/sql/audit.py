"""The audit log. Numbers come from one locked row, so that they have no gap and appear in order."""

import json
from collections.abc import Sequence

from keyturn.core.model import AuditEvent, AuditKind, Origin
from keyturn.store.sql.script import Connection, Row, Script

TAKE_NUMBERS = "UPDATE audit_sequence SET last = last + :count RETURNING last"

INSERT = """
INSERT INTO audit (number, at_ms, kind, sub, sid, reason, actor, address, browser, request_id, details)
VALUES (:number, :at_ms, :kind, :sub, :sid, :reason, :actor, :address, :browser, :request_id, :details)
"""

LIST_PAGE = """
SELECT number, at_ms, kind, sub, sid, reason, actor, address, browser, request_id, details
FROM audit WHERE number > :after ORDER BY number LIMIT :most
"""


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
