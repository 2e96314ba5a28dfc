"""The authorization server's own view of the revocation log, in memory and never behind where it matters.

Whoever is about to rely on it calls `catch_up` first, which reads what was appended since: in this process, in
another one, or by the command line. Whoever only wants to hear of what is new waits for it with `wait_beyond`.
"""

import asyncio
from typing import Final

from keyturn.core.ports import Revocations
from keyturn.tokens.revocation import RevocationView

BATCH: Final = 10_000
"""Entries read in one step, so that a long log holds up nobody."""


class Denylist:
    """A `RevocationView` that follows the log. For one event loop."""

    def __init__(self, log: Revocations) -> None:
        self._log = log
        self._moved = asyncio.Event()
        self.view = RevocationView()

    async def catch_up(self) -> None:
        """Read the entries behind the newest one known."""
        before = self.view.seq
        while len(entries := await self._log.after(self.view.seq, BATCH)) > 0:
            for entry in entries:
                self.view.add(entry)
            if len(entries) < BATCH:
                break
        if self.view.seq > before:
            self._moved.set()
            self._moved = asyncio.Event()

    async def catch_up_to(self, newest: int) -> None:
        """Read on only if the log, as somebody has just seen, goes as far as *newest*."""
        if newest > self.view.seq:
            await self.catch_up()

    async def wait_beyond(self, seq: int, seconds: float) -> None:
        """Return when the view goes beyond *seq*, at the latest after *seconds*."""
        moved = self._moved
        if self.view.seq > seq:
            return
        try:
            async with asyncio.timeout(seconds):
                await moved.wait()
        except TimeoutError:
            return
