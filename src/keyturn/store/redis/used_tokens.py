"""Tokens that are good for one use: the database decides, and Redis remembers what it has decided.

Redis may lose its newest writes in a failover and all of them in a restart, so that a token would be good twice if
Redis were asked alone; and a token that was used in Redis just before it was lost would be good again in the
database. Therefore only the database lets a use through. What Redis is good for is to refuse: it knows a token only
after the database has noted its use, and a replay that it knows costs the database nothing.
"""

from functools import partial

from keyturn.core.ports import UsedTokens
from keyturn.store.redis import keys
from keyturn.store.redis.client import Client
from keyturn.store.redis.guard import Guard, Lost


class RedisUsedTokens:
    """`core.ports.UsedTokens`: a quick no from Redis, every yes from the database."""

    def __init__(self, sql: UsedTokens, client: Client, guard: Guard) -> None:
        self._sql = sql
        self._client = client
        self._guard = guard

    async def use(self, digest: bytes, expires_at: int, now: int) -> bool:
        """Note the use of the token with this *digest* until its ``expires_at``; False if it was used before."""
        key = keys.used_token(digest)
        if await self._is_known(key, now):
            return False
        is_first = await self._sql.use(digest, expires_at, now)
        if is_first and expires_at > 0:
            await self._remember(key, expires_at)
        return is_first

    async def prune(self, now: int, most: int) -> int:
        """Delete up to *most* names past their ``expires_at`` from the database; in Redis they go by themselves."""
        return await self._sql.prune(now, most)

    async def _is_known(self, key: str, now: int) -> bool:
        try:
            found = await self._guard.call(partial(self._client.execute, "GET", key))
        except Lost:
            return False
        return found is not None and found.isdigit() and int(found) > now

    async def _remember(self, key: str, expires_at: int) -> None:
        try:
            await self._guard.call(partial(self._client.execute, "SET", key, expires_at, "EXAT", expires_at))
        except Lost:
            return
