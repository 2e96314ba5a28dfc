"""Rate limits: `core.ratelimit.charge` as one upsert a limit, all of a request's limits in one step.

The index on the TAT costs a second page a draw and lets pruning find what is at rest without a scan. Draws stand
beside a password hash that costs a thousand times as much, so that is well spent.
"""

import hashlib
from collections.abc import Sequence

from keyturn.core.ratelimit import Reservation, retry_after
from keyturn.store.sql.script import Abort, Connection, Script

DRAW = """
INSERT INTO rate_limits (key_digest, tat_us) VALUES (:key_digest, :first_tat_us)
ON CONFLICT (key_digest) DO UPDATE
SET tat_us = :interval_us + CASE
    WHEN rate_limits.tat_us > :now_us AND rate_limits.tat_us <= :conforming_us THEN rate_limits.tat_us ELSE :now_us END
WHERE rate_limits.tat_us <= :conforming_us OR rate_limits.tat_us > :horizon_us
RETURNING tat_us
"""

FIND = "SELECT tat_us FROM rate_limits WHERE key_digest = :key_digest"

GIVE_BACK = "UPDATE rate_limits SET tat_us = tat_us - :interval_us WHERE key_digest = :key_digest"

PRUNE = """
DELETE FROM rate_limits
WHERE key_digest IN (SELECT key_digest FROM rate_limits WHERE tat_us <= :now_us ORDER BY tat_us LIMIT :most)
RETURNING key_digest
"""


class SqlRateLimits:
    """`core.ports.RateLimits` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def reserve(self, reservations: Sequence[Reservation], now_ms: int) -> int:
        """Draw on all of them or on none. Return 0, or the seconds after which the fullest has room again."""
        return await self._connection.write(_reserve, reservations, now_ms * 1000)

    async def give_back(self, reservations: Sequence[Reservation]) -> None:
        """Return what was drawn."""
        await self._connection.write(give_back, reservations)

    async def prune(self, now_ms: int, most: int) -> int:
        """Delete up to *most* counters that are back at rest; return how many."""
        return await self._connection.write(_prune, now_ms * 1000, most)


def give_back(reservations: Sequence[Reservation]) -> Script[None]:
    """Return what was drawn, as a part of any step."""
    for key_digest, reservation in _in_lock_order(reservations):
        yield GIVE_BACK, {"key_digest": key_digest, "interval_us": reservation.rate.interval_us}


def _reserve(reservations: Sequence[Reservation], now_us: int) -> Script[int]:
    waits: list[int] = []
    for key_digest, reservation in _in_lock_order(reservations):
        wait = yield from _draw(key_digest, reservation, now_us)
        waits.append(wait)
    longest = max(waits, default=0)
    if longest:
        raise Abort(longest)
    return 0


def _draw(key_digest: bytes, reservation: Reservation, now_us: int) -> Script[int]:
    """Return 0, or the seconds to wait."""
    rate = reservation.rate
    drawn = yield (
        DRAW,
        {
            "key_digest": key_digest,
            "first_tat_us": now_us + rate.interval_us,
            "now_us": now_us,
            "interval_us": rate.interval_us,
            "conforming_us": now_us + rate.tolerance_us,
            "horizon_us": now_us + rate.horizon_us,
        },
    )
    if drawn:
        return 0
    ((tat_us,),) = yield FIND, {"key_digest": key_digest}
    return retry_after(tat_us, now_us, rate)


def _prune(now_us: int, most: int) -> Script[int]:
    rows = yield PRUNE, {"now_us": now_us, "most": most}
    return len(rows)


def _in_lock_order(reservations: Sequence[Reservation]) -> list[tuple[bytes, Reservation]]:
    # Two steps that lock the same rows in the same order can't deadlock. A digest, so that no name or address is kept.
    return sorted(((_digest(one.key), one) for one in reservations), key=lambda pair: pair[0])


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()[:16]
