"""What concerns every session at once, for an operator's commands: it takes as long as there are sessions."""

from dataclasses import replace

from keyturn.core.ports import EndingAll
from keyturn.store.sql import audit, revocations
from keyturn.store.sql.script import Connection, Script
from keyturn.store.sql.session_pruning import START, Place, slice_behind

SLICE = 5_000
"""Sessions that a step ends: some tenths of a second of a busy PostgreSQL, of the five that a step may take."""

END_SLICE = """
UPDATE sessions SET ended_at = :ended_at, end_reason = :end_reason
WHERE (expires_at, handle) > (:expires_at, :handle) AND (expires_at, handle) <= (:to_expires_at, :to_handle)
    AND ended_at IS NULL
RETURNING sid
"""

COUNT_BY_KEY_ID = """
SELECT key_id, count(*) FROM sessions
WHERE ended_at IS NULL AND expires_at > :now AND idle_expires_at > :now GROUP BY key_id
"""


async def end_all(connection: Connection, order: EndingAll) -> int:
    """End every session, the tokens that are out first; return how many ended.

    It walks along ``sessions_by_end``, nearly the order in which sessions were written: `SLICE` of them a step,
    so that no step takes long, even where there are millions. After a failure the order can be given again.
    """
    await connection.write(_revoke, order)
    ended, place = await connection.write(_end_slice, order, START)
    while place != START:
        more, place = await connection.write(_end_slice, order, place)
        ended += more
    event = replace(order.event, details={**order.event.details, "sessions": ended})
    await connection.write(audit.append, (event,))
    return ended


def count_by_key_id(now: int) -> Script[dict[bytes, int]]:
    """Return how many live sessions have a refresh token of each master key, by the key's id."""
    rows = yield COUNT_BY_KEY_ID, {"now": now}
    return {key_id: int(count) for key_id, count in rows}


def _revoke(order: EndingAll) -> Script[None]:
    yield from revocations.append((order.revoking,), order.at_ms)


def _end_slice(order: EndingAll, place: Place) -> Script[tuple[int, Place]]:
    """End the sessions of the slice behind *place*; return how many, and where to go on: `START` if that was all."""
    bounds, following = yield from slice_behind(place, SLICE)
    rows = yield END_SLICE, {**bounds, "ended_at": order.at_ms // 1000, "end_reason": order.reason.value}
    return len(rows), following
