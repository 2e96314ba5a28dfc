"""The denylist's copy in Redis, for APIs that have no SDK of ours: every live entry, with its expiry.

The log in the database is followed, whoever wrote to it. Entries and the number of the newest one are written in one
atomic call. So that number says how far the copy goes, also after a Redis has lost everything or its newest
writes: the copy goes on from there. Processes that copy the same entries do no harm.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from keyturn.core.ports import CacheState, Revocations
from keyturn.errors import TemporarilyUnavailable
from keyturn.store.redis import keys
from keyturn.store.redis.background import end
from keyturn.store.redis.client import Client, Lua
from keyturn.store.redis.guard import Guard, Lost
from keyturn.tokens.revocation import RevocationEntry

BATCH: Final = 500
"""Entries written in one call, which takes Redis about a millisecond."""

CHECK_SECONDS: Final = 5.0
"""How often the copy is looked after where there is no news: somebody may have emptied Redis."""

CLOSING_SECONDS: Final = 1.0
"""How long a process that ends may take to copy what it has just revoked."""

PRESENT: Final = 1
"""The value of an entry that has no cut-off."""

COPY = Lua("""
for i = 2, #KEYS do
  local value, ends = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local old = redis.call('GET', KEYS[i])
  if old then
    value = math.max(value, tonumber(old))
    ends = math.max(ends, redis.call('EXPIRETIME', KEYS[i]))
  end
  redis.call('SET', KEYS[i], string.format('%.0f', value), 'EXAT', string.format('%.0f', ends))
end
if tonumber(ARGV[1]) > tonumber(redis.call('GET', KEYS[1]) or '0') then
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('PUBLISH', ARGV[2], ARGV[1])
end
return 0
""")


class Mirror:
    """Copies the log in the background, from the first `wake` on. For one event loop."""

    def __init__(self, log: Revocations, client: Client, guard: Guard) -> None:
        self._log = log
        self._client = client
        self._guard = guard
        self._seq: int | None = None
        self._news = asyncio.Event()
        self._is_behind = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Have a look at the log soon."""
        self._is_behind = True
        self._news.set()
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name="keyturn redis mirror")

    def saw(self, seq: int) -> None:
        """Be told that the log goes as far as *seq*."""
        if self._seq is None or seq > self._seq:
            self.wake()

    async def close(self) -> None:
        """Copy what is left, if that is quick, and stop."""
        await end(self._task)
        if self._is_behind:
            try:
                async with asyncio.timeout(CLOSING_SECONDS):
                    await self._copy_if_possible()
            except TimeoutError:
                return

    async def _follow(self) -> None:
        while True:
            await self._copy_if_possible()
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _copy_if_possible(self) -> None:
        if self._guard.state is CacheState.DEGRADED:
            self._news.clear()  # the guard wakes us when Redis is back
            return
        try:
            await self._copy()
        except Lost:
            return
        except TemporarilyUnavailable:
            await asyncio.sleep(1)

    async def _copy(self) -> None:
        self._news.clear()
        seq = await self._start()
        while entries := await self._log.after(seq, BATCH):
            await self._guard.call(partial(self._write, entries))
            self._seq = seq = entries[-1].seq
        self._seq = seq
        self._is_behind = self._news.is_set()

    async def _start(self) -> int:
        """Return behind which entry to go on: where this process was, or before, if Redis has lost something."""
        found = await self._guard.call(partial(self._client.execute, "GET", keys.NEWEST_REVOCATION))
        there = int(found) if found is not None and found.isdigit() else 0
        return there if self._seq is None else min(there, self._seq)

    async def _write(self, entries: Sequence[RevocationEntry]) -> None:
        names = [keys.NEWEST_REVOCATION, *(keys.revoked(entry.kind, entry.digest) for entry in entries)]
        values: list[str | int] = [entries[-1].seq, keys.NEWS]
        for entry in entries:
            values += (PRESENT if entry.before is None else entry.before, max(1, entry.expires_at))
        await self._client.run(COPY, names, values)
