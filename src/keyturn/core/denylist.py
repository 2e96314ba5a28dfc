"""The authorization server's own view of the revocation log, in memory and never behind where it matters.

Whoever is about to rely on it calls `catch_up` first, which reads what was appended since: in this process, in
another one, or by the command line. Whoever only wants to hear of what is new waits for it with `wait_beyond`.

A store that was rolled back, as by a failover, may give out places again that were passed here. So the log is read
anew as soon as it ends before what is known; what was taken in stays in the view.
"""

import asyncio
import contextlib
from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from keyturn.core.ports import Revocations
from keyturn.tokens.revocation import RevocationEntry, RevocationView

BATCH: Final = 10_000
"""Entries read in one step, so that a long log holds up nobody."""


async def read_whole(log: Revocations) -> list[RevocationEntry]:
    """Return every entry of *log*, in order."""
    entries: list[RevocationEntry] = []
    while batch := await log.after(entries[-1].seq if entries else 0, BATCH):
        entries.extend(batch)
    return entries


class Denylist:
    """A `RevocationView` that follows the log, and the entries of it in their order. For one event loop.

    An entry takes about 250 bytes, a cut-off about 350, in the view and here together.
    """

    def __init__(self, log: Revocations) -> None:
        self._log = log
        self._moved = asyncio.Event()
        self._entries: list[RevocationEntry] = []
        self._read_to = 0
        self._reached = 0
        self.view = RevocationView()

    @property
    def seq(self) -> int:
        """The place in the log up to which everything is known, also where the last entries are deleted by now."""
        return max(self._read_to, self._reached)

    async def catch_up(self) -> None:
        """Read the entries behind the newest one known."""
        while True:
            entries = await self._log.after(self._read_to, BATCH)
            self._take(entries)
            if len(entries) < BATCH:
                return

    async def catch_up_to(self, newest: int) -> None:
        """Read on only if the log, as somebody has just seen, goes as far as *newest*."""
        if newest > self.seq:
            await self.catch_up()
            self._reached = max(self._reached, newest)

    async def catch_up_if_behind(self) -> None:
        """Ask how far the log goes, and read on only if it goes further than what is known."""
        known, newest = self.seq, await self._log.newest()
        if newest < known:
            await self._begin_again()
        await self.catch_up_to(newest)

    async def wait_beyond(self, seq: int, seconds: float) -> None:
        """Return when the view goes beyond *seq* or somebody calls `wake`, at the latest after *seconds*."""
        moved = self._moved
        if self._read_to > seq:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await moved.wait()

    def wake(self) -> None:
        """Let everybody go who waits now."""
        self._moved.set()
        self._moved = asyncio.Event()

    def behind(self, seq: int, most: int) -> Sequence[RevocationEntry]:
        """Return the first *most* entries behind *seq* that are known, in order."""
        start = bisect_right(self._entries, seq, key=attrgetter("seq"))
        return self._entries[start : start + most]

    def place_up_to(self, seq: int) -> int:
        """Return the place of the last entry known up to *seq*: between the two is nothing. 0 if there is no such."""
        end = bisect_right(self._entries, seq, key=attrgetter("seq"))
        return self._entries[end - 1].seq if end else 0

    def prune(self, now: float) -> None:
        """Forget what has expired at *now*, in epoch seconds; an entry among younger ones once those before it go."""
        self.view.prune(now)
        live = (place for place, entry in enumerate(self._entries) if entry.expires_at > now)
        del self._entries[: next(live, len(self._entries))]

    def _take(self, entries: Sequence[RevocationEntry]) -> None:
        """Take in what was read, of which somebody else may have read a part meanwhile."""
        new = [entry for entry in entries if entry.seq > self._read_to]
        for entry in new:
            self._entries.append(entry)
            self.view.add(entry)
        if new:
            self._read_to = new[-1].seq
            self.wake()

    async def _begin_again(self) -> None:
        """Read the whole log, and only then let go of what was known of it: no page is made of a part."""
        before = self._entries
        log = await read_whole(self._log)
        if self._entries is not before:  # somebody else has done so meanwhile
            return
        self._entries, self._read_to, self._reached = [], 0, 0
        self._take(log)
        self.wake()
