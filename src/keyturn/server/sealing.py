"""Sealing the audit log each second, and saying how far it is: to whoever measures, and to whoever keeps the log.

The line with the newest seal's hash is an anchor outside the database: who changes the database afterwards can't make
it right with `keyturn audit verify --expect`.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from keyturn.core.sealer import Alarm, Sealer, head_of
from keyturn.core.services import Services
from keyturn.errors import TemporarilyUnavailable
from keyturn.server.clock import Clock
from keyturn.server.observing import logs

ANCHOR_MS: Final = 60_000
"""How often the hash of the newest seal is logged at most."""

PAUSE_SECONDS: Final = 0.05
"""Between two batches, so that requests come first."""


class Sealing:
    """The job of one process."""

    def __init__(self, services: Services, clock: Clock) -> None:
        self._sealer = Sealer(services)
        self._clock = clock
        self._logged: str | None = None
        self._logged_at_ms: int | None = None

    @property
    def sealed(self) -> int:
        """The number of the last entry that is sealed."""
        return self._sealer.extent.sealed

    @property
    def unsealed(self) -> int:
        """How many entries wait for their seal."""
        return max(self._sealer.extent.last - self._sealer.extent.sealed, 0)

    async def work(self) -> None:
        """Seal what is there, and say what has to be said."""
        now_ms = self._clock.now_ms()
        _log_alarms(await self._sealer.run(now_ms=now_ms, pause=_pause))
        self._log_head(now_ms)

    async def finish(self) -> None:
        """Seal what is left when the server stops; if that can't be, the next start does it."""
        with suppress(TemporarilyUnavailable):
            _log_alarms(await self._sealer.run_last(now_ms=self._clock.now_ms(), pause=_pause))

    def _log_head(self, now_ms: int) -> None:
        """Log the newest seal that this process made, once, and at most every so often."""
        made = self._sealer.made
        if made is None or (self._logged_at_ms is not None and now_ms - self._logged_at_ms < ANCHOR_MS):
            return
        head = head_of(made)
        if head != self._logged:
            self._logged, self._logged_at_ms = head, now_ms
            logs.get_logger().info("audit log sealed", head=head)


async def _pause() -> None:
    await asyncio.sleep(PAUSE_SECONDS)


def _log_alarms(alarms: Sequence[Alarm]) -> None:
    for alarm in alarms:
        logs.get_logger().error("audit log", problem=alarm.value, next="run keyturn audit verify")
