"""The job that seals the audit log. One process of the fleet does it for all; that no two do is up to the store.

It goes on only from a seal that is ours: else it would vouch for what somebody else has made of the log. From any
other it begins a new chain, which `core.audit_check` finds for good. And it remembers the newest seal that it saw, so
that nobody can take the log back behind it while it runs.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keyturn.core.model import AuditEvent, AuditKind, Origin, Seal
from keyturn.core.ports import Extent
from keyturn.core.sealing import START, Maker, hash_of, maker_of, seal_entries
from keyturn.core.services import Services

EVERY_SECONDS: Final = 1

BATCH: Final = 500
"""Entries in one seal at most: a few milliseconds of the processor, whatever has piled up."""

OTHERS_MS: Final = 600_000
"""How long entries wait for a process that knows the master key of the newest seal: this one may not have it yet."""

_TURN: Final = "seal the audit log"
_TURN_MS: Final = 900
"""A little less than a second: who comes a moment early does not have to come again."""


class Alarm(StrEnum):
    """What must not be."""

    NOT_OURS = "the newest seal of the audit log is none of ours; a new chain begins"
    SET_BACK = "the audit log was set back behind what had been sealed"


class Sealer:
    """Seals what has been written since.

    Attributes:
        extent: how far log and seals reached when it last looked.
        made: the newest seal that this process made.

    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._seen: Seal | None = None
        self.extent = Extent(last=0, seals=0, sealed=0)
        self.made: Seal | None = None

    async def run(self, *, now_ms: int, pause: Callable[[], Awaitable[None]]) -> Sequence[Alarm]:
        """Seal whatever is there, if it is this process's turn; return what must not be.

        Args:
            now_ms: the time.
            pause: awaited between two batches, so that requests come first.

        """
        store = self._services.store
        before, self.extent = self.extent, await store.audit_seals.extent()
        extent = self.extent
        alarms = await self._look_back(before, extent, now_ms)
        if extent.last != extent.sealed and await store.turns.take(_TURN, now_ms, _TURN_MS):
            alarms += await self._seal(extent, now_ms, pause)
        return alarms

    async def run_last(self, *, now_ms: int, pause: Callable[[], Awaitable[None]]) -> Sequence[Alarm]:
        """Seal what little is left, whosever turn it is: this process ends, and there may be no other."""
        extent = await self._services.store.audit_seals.extent()
        if 0 < extent.last - extent.sealed <= BATCH:
            return await self._seal(extent, now_ms, pause)
        return []

    async def _look_back(self, before: Extent, extent: Extent, now_ms: int) -> list[Alarm]:
        """Compare with what was seen before. What is missing is written into the log, which from then on says so."""
        seen = self._seen
        if seen is not None and (extent.last < before.last or await self._is_missing(seen, extent)):
            await self._services.store.audit.append([_set_back(seen, now_ms)])
            self._seen = None
            return [Alarm.SET_BACK]
        if extent.seals != (0 if seen is None else seen.number):
            newest = await self._services.store.audit_seals.find(extent.seals)
            self._seen = newest if newest is not None and self._is_ours(newest) else seen
        return []

    async def _is_missing(self, seen: Seal, extent: Extent) -> bool:
        if extent.seals == seen.number and extent.last == extent.sealed:
            return False  # nothing was written: there is time to look when something is
        return await self._services.store.audit_seals.find(seen.number) != seen

    async def _seal(self, extent: Extent, now_ms: int, pause: Callable[[], Awaitable[None]]) -> list[Alarm]:
        newest = await self._services.store.audit_seals.find(extent.seals)
        if newest is None:
            await self._seal_from(_Place(number=1, after=0, previous=START), now_ms, pause)
        elif self._is_ours(newest):
            await self._seal_from(_behind(newest), now_ms, pause)
        else:
            return await self._begin_anew(newest, max(min(newest.last, extent.last), 0), now_ms, pause)
        return []

    async def _begin_anew(
        self, newest: Seal, after: int, now_ms: int, pause: Callable[[], Awaitable[None]]
    ) -> list[Alarm]:
        """Leave a seal behind that is none of ours. A key that we don't know others may: they get time to go on."""
        if maker_of(newest, self._services.master_keys) is Maker.UNKNOWN_KEY:
            waiting = (await self._services.store.audit_seals.unsealed(after, 1)).entries
            if not waiting or now_ms - waiting[0].at_ms < OTHERS_MS:
                return []
        await self._seal_from(_Place(number=newest.number + 1, after=after, previous=START), now_ms, pause)
        return [Alarm.NOT_OURS]

    async def _seal_from(self, place: "_Place", now_ms: int, pause: Callable[[], Awaitable[None]]) -> None:
        """Seal batch after batch, until all is sealed or another process goes on."""
        seals, key = self._services.store.audit_seals, self._services.master_keys.current
        while True:
            unsealed = await seals.unsealed(place.after, BATCH)
            upto = min(unsealed.last, place.after + BATCH)
            if upto <= place.after:
                return
            seal = seal_entries(
                unsealed.entries,
                number=place.number,
                after=place.after,
                upto=upto,
                previous=place.previous,
                key=key,
                now_ms=now_ms,
            )
            if not await seals.add(seal):
                return
            self._seen = self.made = seal
            if upto == unsealed.last:
                return
            place = _behind(seal)
            await pause()

    def _is_ours(self, seal: Seal) -> bool:
        return maker_of(seal, self._services.master_keys) is Maker.OURS


async def vouch(services: Services, *, now_ms: int) -> bool:
    """See to it that a seal by the current master key stands on the others, so that an old one may go.

    Return whether one was added. It covers no entry, and follows only a seal that is ours.
    """
    seals, keys = services.store.audit_seals, services.master_keys
    newest = await seals.find((await seals.extent()).seals)
    if newest is None or newest.key_id == keys.current.key_id or maker_of(newest, keys) is not Maker.OURS:
        return False
    place = _behind(newest)
    seal = seal_entries(
        (),
        number=place.number,
        after=place.after,
        upto=place.after,
        previous=place.previous,
        key=keys.current,
        now_ms=now_ms,
    )
    return await seals.add(seal)


def head_of(seal: Seal) -> str:
    """Return what stands for the log up to *seal*, to be kept elsewhere: the number of its last entry, and the hash."""
    return f"{seal.last}:{hash_of(seal).hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the chain goes on: the number and the ancestor of the next seal, and what is sealed already."""

    number: int
    after: int
    previous: bytes


def _behind(seal: Seal) -> _Place:
    return _Place(number=seal.number + 1, after=seal.last, previous=hash_of(seal))


def _set_back(seen: Seal, now_ms: int) -> AuditEvent:
    return AuditEvent(
        at_ms=now_ms,
        kind=AuditKind.AUDIT_SET_BACK,
        origin=Origin(actor="system"),
        details={"sealed": head_of(seen)},
    )
