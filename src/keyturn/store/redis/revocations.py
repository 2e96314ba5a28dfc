"""The revocation log is the database's; Redis has a copy of it, and tells other processes of news."""

import asyncio
from collections.abc import Sequence

from keyturn.core.model import AuditEvent
from keyturn.core.ports import Revocations, Revoking
from keyturn.store.redis.mirror import Mirror
from keyturn.store.redis.wakeups import Wakeups
from keyturn.tokens.revocation import RevocationEntry


class RedisRevocations:
    """`core.ports.Revocations` of the database. Whoever reads news in it has them copied, and so others woken."""

    def __init__(self, sql: Revocations, mirror: Mirror, wakeups: Wakeups) -> None:
        self._sql = sql
        self._mirror = mirror
        self._wakeups = wakeups

    async def add(self, revoking: Revoking, event: AuditEvent) -> RevocationEntry:
        """Append one entry."""
        entry = await self._sql.add(revoking, event)
        self._mirror.saw(entry.seq)
        return entry

    async def add_once(self, revoking: Revoking, event: AuditEvent) -> RevocationEntry | None:
        """Append one entry; None, and no event, if this did so before and that entry is still kept."""
        entry = await self._sql.add_once(revoking, event)
        if entry is not None:
            self._mirror.saw(entry.seq)
        return entry

    async def after(self, seq: int, most: int) -> Sequence[RevocationEntry]:
        """Return the first *most* entries behind *seq*, in order."""
        entries = await self._sql.after(seq, most)
        if entries:
            self._mirror.saw(entries[-1].seq)
        return entries

    async def newest(self) -> int:
        """Return the highest ``seq`` that was given out; 0 before the first."""
        return await self._sql.newest()

    async def wait_for_news(self, seconds: float) -> None:
        """Return when Redis or the database has word of news, at the latest after *seconds*."""
        waits = (
            asyncio.create_task(self._sql.wait_for_news(seconds)),
            asyncio.create_task(self._wakeups.wait()),
        )
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def prune(self, now: int, most: int) -> int:
        """Delete up to *most* entries past their ``expires_at``; in Redis they go by themselves."""
        return await self._sql.prune(now, most)
