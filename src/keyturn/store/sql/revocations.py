"""The revocation log. ``seq`` is max(last + 1, epoch milliseconds), taken under a row lock inside the revoking step.

So whoever has seen *n* has seen all up to *n*; the order survives a clock that steps back; and after a roll-back of the
store new entries still come behind those that a verifier has seen.
"""

from collections.abc import Sequence

from keyturn.core.model import AuditEvent
from keyturn.core.ports import Revoking
from keyturn.store.sql import audit, used_tokens
from keyturn.store.sql.script import Connection, Row, Script
from keyturn.tokens.revocation import RevocationEntry, RevocationKind

TAKE_SEQS = """
UPDATE revocation_sequence SET last = CASE WHEN last >= :now_ms THEN last + :count ELSE :now_ms + :count - 1 END
RETURNING last
"""

INSERT = """
INSERT INTO revocations (seq, kind, digest, cut_off, expires_at)
VALUES (:seq, :kind, :digest, :cut_off, :expires_at)
"""

AFTER = """
SELECT seq, kind, digest, cut_off, expires_at FROM revocations WHERE seq > :seq ORDER BY seq LIMIT :most
"""

NEWEST = "SELECT last FROM revocation_sequence"

PRUNE = """
DELETE FROM revocations
WHERE seq IN (SELECT seq FROM revocations WHERE expires_at <= :now ORDER BY expires_at LIMIT :most)
RETURNING seq
"""


class SqlRevocations:
    """`core.ports.Revocations` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, revoking: Revoking, event: AuditEvent) -> RevocationEntry:
        """Append one entry."""
        return await self._connection.write(_add, revoking, event)

    async def add_once(self, revoking: Revoking, event: AuditEvent) -> RevocationEntry | None:
        """Append one entry; None, and no event, if this did so before and that entry is still kept."""
        return await self._connection.write(_add_once, revoking, event)

    async def after(self, seq: int, most: int) -> Sequence[RevocationEntry]:
        """Return the first *most* entries behind *seq*, in order."""
        return await self._connection.read(_after, seq, most)

    async def newest(self) -> int:
        """Return the highest ``seq`` that was given out; 0 before the first."""
        return await self._connection.read(_newest)

    async def wait_for_news(self, seconds: float) -> None:
        """Return when another process may have appended something, at the latest after *seconds*."""
        await self._connection.wait_for_news(seconds)

    async def prune(self, now: int, most: int) -> int:
        """Delete up to *most* entries past their ``expires_at``; return how many."""
        return await self._connection.write(_prune, now, most)


def append(revokings: Sequence[Revoking], now_ms: int) -> Script[list[RevocationEntry]]:
    """Append the entries, as a part of any step."""
    if not revokings:
        return []
    ((last,),) = yield TAKE_SEQS, {"now_ms": now_ms, "count": len(revokings)}
    entries = [_entry(seq, revoking) for seq, revoking in enumerate(revokings, start=last - len(revokings) + 1)]
    for entry in entries:
        yield (
            INSERT,
            {
                "seq": entry.seq,
                "kind": entry.kind.value,
                "digest": entry.digest,
                "cut_off": entry.before,
                "expires_at": entry.expires_at,
            },
        )
    return entries


def _add(revoking: Revoking, event: AuditEvent) -> Script[RevocationEntry]:
    (entry,) = yield from append((revoking,), event.at_ms)
    yield from audit.append((event,))
    return entry


def _add_once(revoking: Revoking, event: AuditEvent) -> Script[RevocationEntry | None]:
    """Append the entry for whoever uses its name first: of many that come at once the others wait, and find it used."""
    if not (yield from used_tokens.use(revoking.digest, revoking.expires_at, event.at_ms // 1000)):
        return None
    return (yield from _add(revoking, event))


def _after(seq: int, most: int) -> Script[list[RevocationEntry]]:
    rows = yield AFTER, {"seq": seq, "most": most}
    return [_from_row(row) for row in rows]


def _newest() -> Script[int]:
    ((last,),) = yield NEWEST, {}
    return int(last)


def _prune(now: int, most: int) -> Script[int]:
    rows = yield PRUNE, {"now": now, "most": most}
    return len(rows)


def _entry(seq: int, revoking: Revoking) -> RevocationEntry:
    return RevocationEntry(
        seq=seq,
        kind=revoking.kind,
        digest=revoking.digest,
        before=revoking.before,
        expires_at=revoking.expires_at,
    )


def _from_row(row: Row) -> RevocationEntry:
    seq, kind, digest, cut_off, expires_at = row
    return RevocationEntry(seq=seq, kind=RevocationKind(kind), digest=digest, before=cut_off, expires_at=expires_at)
