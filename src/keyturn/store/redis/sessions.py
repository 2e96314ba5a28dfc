"""Sessions are the database's alone; only the limits that a successful login gives back may be in Redis."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from keyturn.core.model import AuditEvent, Session, User
from keyturn.core.ports import Advance, Advanced, Ending, EndingAll, Sessions, Start
from keyturn.store.redis.rate_limits import RedisRateLimits


class RedisSessions:
    """`core.ports.Sessions` of the database, with the limits in Redis."""

    def __init__(self, sql: Sessions, limits: RedisRateLimits) -> None:
        self._sql = sql
        self._limits = limits

    async def start(self, order: Start) -> bool:
        """Insert the session; after that has succeeded, give the limits back where they are kept."""
        if not self._limits.are_in_redis:
            return await self._sql.start(order)
        has_started = await self._sql.start(replace(order, give_back=()))
        if has_started and order.give_back:
            await self._limits.give_back_in_redis(order.give_back)
        return has_started

    async def find(self, handle: bytes) -> Session | None:
        """Return the session with this handle, ended or not."""
        return await self._sql.find(handle)

    async def find_with_user(self, handle: bytes) -> tuple[Session, User | None] | None:
        """Return the session and the user of our own directory that it belongs to, in one query."""
        return await self._sql.find_with_user(handle)

    async def advance(self, order: Advance) -> Advanced:
        """Rotate in one conditional statement."""
        return await self._sql.advance(order)

    async def note_replay(self, handle: bytes, generation: int, event: AuditEvent) -> None:
        """Write *event* the first time that this generation is replayed."""
        await self._sql.note_replay(handle, generation, event)

    async def end(self, order: Ending) -> Sequence[Session]:
        """End live sessions; return those that ended now."""
        return await self._sql.end(order)

    async def end_all(self, order: EndingAll) -> int:
        """End every session that has not ended, of whomever; return how many."""
        return await self._sql.end_all(order)

    async def count_by_key_id(self, now: int) -> Mapping[bytes, int]:
        """Return how many live sessions have a refresh token of each master key, by the key's id."""
        return await self._sql.count_by_key_id(now)

    async def list_live(self, sub: str, now: int) -> Sequence[Session]:
        """Return the user's sessions that are neither ended nor expired, the last used first."""
        return await self._sql.list_live(sub, now)

    async def list_page(self, after: str, most: int, now: int) -> Sequence[Session]:
        """Return up to *most* live sessions of anybody whose ``sid`` follows *after*, in its order."""
        return await self._sql.list_page(after, most, now)

    async def find_by_sid(self, sid: str) -> Session | None:
        """Return the session with this ``sid``, ended or not."""
        return await self._sql.find_by_sid(sid)

    async def prune(self, now: int, most: int) -> int:
        """Delete up to *most* sessions that ended or expired over an hour ago; return how many."""
        return await self._sql.prune(now, most)
