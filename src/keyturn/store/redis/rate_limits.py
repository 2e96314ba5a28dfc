"""Rate limits in Redis: `core.ratelimit.charge` in Lua, all of a request's limits in one atomic call.

A counter goes by itself once it is at rest, and a minute later by the clock of Redis, since hosts' clocks may differ.
Whole microseconds stay exact in Lua's doubles until the year 2255.

When Redis is lost, the limits start afresh in the database, and where they were when it is back. Each of the two
keeps to the rate for itself, so that at the moment of a change a peer has at most one more burst, and while one part
of the fleet has Redis and another has not, at most twice the rate. A Redis that comes back empty is one more burst.
What was drawn is given back where limits are kept at that moment: each draw is given back at most once in all.
"""

import hashlib
from collections.abc import Sequence
from functools import partial

from keyturn.core.ports import CacheState, RateLimits
from keyturn.core.ratelimit import CLOCK_STEP_US, Reservation
from keyturn.store.redis import keys
from keyturn.store.redis.client import Client, Lua
from keyturn.store.redis.guard import Guard, Lost

RESERVE = Lua("""
local now, slack = tonumber(ARGV[1]), tonumber(ARGV[2])
local tats, longest = {}, 0
for i, key in ipairs(KEYS) do
  local interval, tolerance, horizon = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  local tat = tats[key] or tonumber(redis.call('GET', key) or '0')
  if now + tolerance < tat and tat <= now + horizon then
    longest = math.max(longest, 1, math.ceil((tat - tolerance - now) / 1000000))
  else
    local believed = now < tat and tat <= now + tolerance
    tats[key] = (believed and tat or now) + interval
  end
end
if longest > 0 then return longest end
for key, tat in pairs(tats) do
  local rest_ms = math.ceil((tat - now + slack) / 1000)
  redis.call('SET', key, string.format('%.0f', tat), 'PX', string.format('%.0f', rest_ms))
end
return 0
""")

GIVE_BACK = Lua("""
for i, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then redis.call('DECRBY', key, ARGV[i]) end
end
return 0
""")


class RedisRateLimits:
    """`core.ports.RateLimits` in Redis, and in the database while Redis is lost."""

    def __init__(self, sql: RateLimits, client: Client, guard: Guard) -> None:
        self._sql = sql
        self._client = client
        self._guard = guard

    @property
    def are_in_redis(self) -> bool:
        """Whether limits are drawn and given back in Redis now."""
        return self._guard.state is CacheState.OK

    async def reserve(self, reservations: Sequence[Reservation], now_ms: int) -> int:
        """Draw on all of them or on none. Return 0, or the seconds after which the fullest has room again."""
        if not reservations:
            return 0
        try:
            return int(await self._guard.call(partial(self._reserve, reservations, now_ms * 1000)))
        except Lost:
            return await self._sql.reserve(reservations, now_ms)

    async def give_back(self, reservations: Sequence[Reservation]) -> None:
        """Return what was drawn. Where Redis is lost in this very moment, it stays drawn."""
        if not self.are_in_redis:
            await self._sql.give_back(reservations)
        elif reservations:
            await self.give_back_in_redis(reservations)

    async def give_back_in_redis(self, reservations: Sequence[Reservation]) -> None:
        """Return what was drawn, in Redis or nowhere."""
        try:
            await self._guard.call(partial(self._give_back, reservations))
        except Lost:
            return  # drawn for longer than need be, never the other way round

    async def prune(self, now_ms: int, most: int) -> int:
        """Delete up to *most* counters of the database that are back at rest; those in Redis go by themselves."""
        return await self._sql.prune(now_ms, most)

    async def _reserve(self, reservations: Sequence[Reservation], now_us: int) -> int:
        values = [now_us, CLOCK_STEP_US]
        for rate in (reservation.rate for reservation in reservations):
            values += (rate.interval_us, rate.tolerance_us, rate.horizon_us)
        wait: int = await self._client.run(RESERVE, _keys(reservations), values)
        return wait

    async def _give_back(self, reservations: Sequence[Reservation]) -> None:
        intervals = [reservation.rate.interval_us for reservation in reservations]
        await self._client.run(GIVE_BACK, _keys(reservations), intervals)


def _keys(reservations: Sequence[Reservation]) -> list[str]:
    """Return the names of the counters: digests, so that no name or address is kept."""
    return [keys.rate_limit(hashlib.sha256(each.key.encode()).digest()[:16]) for each in reservations]
