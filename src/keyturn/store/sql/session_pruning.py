"""Pruning sessions without a scan in the writer.

Sessions past their absolute end and ended ones are found by index. No index can tell the idle ones, as a refresh would
have to write it (see the schema): they are found by a walk along ``sessions_by_end`` that looks at `SLICE` rows a call,
beside the writer, and goes on from there at the next call. An idle session that is found late harms nobody: it is
refused all the same.
"""

from collections.abc import Mapping
from typing import TypeAlias

from keyturn.store.sql.script import Script, Value

KEPT = 3600
"""Seconds for which a session is kept after its end."""

SLICE = 5000
"""Rows that one call looks at in search of idle sessions: some milliseconds of the reader."""

PRUNE_EXPIRED = """
DELETE FROM sessions WHERE handle IN
    (SELECT handle FROM sessions WHERE expires_at < :past ORDER BY expires_at, handle LIMIT :most)
RETURNING sid
"""

PRUNE_ENDED = """
DELETE FROM sessions WHERE handle IN
    (SELECT handle FROM sessions WHERE ended_at IS NOT NULL AND ended_at < :past ORDER BY ended_at LIMIT :most)
RETURNING sid
"""

SLICE_END = """
SELECT expires_at, handle FROM sessions WHERE (expires_at, handle) > (:expires_at, :handle)
ORDER BY expires_at, handle LIMIT 1 OFFSET :offset
"""

FIND_IDLE = """
SELECT expires_at, handle FROM sessions
WHERE (expires_at, handle) > (:expires_at, :handle) AND (expires_at, handle) <= (:to_expires_at, :to_handle)
    AND idle_expires_at < :past
ORDER BY expires_at, handle LIMIT :most
"""

PRUNE_IDLE = "DELETE FROM sessions WHERE handle = :handle AND idle_expires_at < :past RETURNING sid"

Place: TypeAlias = tuple[int, bytes]
START: Place = (0, b"")
BEHIND_ALL: Place = (2**63 - 1, b"\xff" * 64)


def prune_ended(now: int, most: int) -> Script[int]:
    """Delete up to *most* sessions whose absolute end or whose ending is long past; return how many."""
    expired = yield PRUNE_EXPIRED, {"past": now - KEPT, "most": most}
    ended = yield PRUNE_ENDED, {"past": now - KEPT, "most": most - len(expired)}
    return len(expired) + len(ended)


def find_idle(now: int, most: int, place: Place) -> Script[tuple[list[bytes], Place]]:
    """Return the handles of up to *most* long idle sessions of the slice behind *place*, and where to go on."""
    bounds, following = yield from slice_behind(place, SLICE)
    found = yield FIND_IDLE, {**bounds, "past": now - KEPT, "most": most}
    handles = [row[1] for row in found]
    return handles, found[-1] if len(found) == most else following


def prune_idle(now: int, handles: list[bytes]) -> Script[int]:
    """Delete those of the *handles* that are still long idle; return how many."""
    deleted = 0
    for handle in handles:
        rows = yield PRUNE_IDLE, {"handle": handle, "past": now - KEPT}
        deleted += len(rows)
    return deleted


def slice_behind(place: Place, size: int) -> Script[tuple[Mapping[str, Value], Place]]:
    """Return the bounds of the next *size* rows behind *place*, and where to go on: `START` if these are the last."""
    expires_at, handle = place
    end = yield SLICE_END, {"expires_at": expires_at, "handle": handle, "offset": size - 1}
    to_expires_at, to_handle = end[0] if end else BEHIND_ALL
    bounds = {"expires_at": expires_at, "handle": handle, "to_expires_at": to_expires_at, "to_handle": to_handle}
    return bounds, (to_expires_at, to_handle) if end else START
