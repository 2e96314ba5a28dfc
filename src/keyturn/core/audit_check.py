"""Verifying the audit log, page by page, whoever writes into it meanwhile: up to where it reached at the beginning.

Entries and seals up to there do not change any more, so what is wrong with them is wrong.
"""

import sys
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from keyturn.core.audit_chain import Chain, Fault, Finding
from keyturn.core.model import AuditEntry, Seal
from keyturn.core.ports import AuditLog, Extent, Store
from keyturn.core.sealer import head_of
from keyturn.core.sealing import GONE, digest_in, digest_of, first_of
from keyturn.tokens.master_key import MasterKeys

Told = Callable[[int, int], object]
"""Is told of the progress: how many entries have been looked at, and of how many."""

PATIENCE_MS: Final = 60_000
"""How long an entry may wait for its seal. A server seals each second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of it.

    Attributes:
        entries: the number of the newest entry.
        sealed: of the newest one that is sealed.
        head: what stands for all that is sealed, to be kept elsewhere; None before the first seal.
        longest_wait_ms: the longest that an entry waited for its seal: until then nobody would have seen a change.
        findings: what is wrong, in the order of the entries; empty if nothing is.

    """

    entries: int
    sealed: int
    head: str | None
    longest_wait_ms: int
    findings: tuple[Finding, ...]


async def verify(
    store: Store, keys: MasterKeys, *, now_ms: int, expected: Collection[str] = (), told: Told = lambda *_: None
) -> Report:
    """Look at every seal and every entry.

    Args:
        store: where they are.
        keys: the master keys.
        now_ms: the time.
        expected: heads that were noted before, and have to be there.
        told: is called now and then.

    """
    extent = await store.audit_seals.extent()
    chain, comparison, entries = Chain(keys, expected), Comparison(), _Entries(store.audit)
    async for seal in _seals(store, extent.seals):
        if chain.follow(seal):
            comparison.compare(seal, await entries.within(first_of(seal), seal.last))
        told(seal.last, extent.last)
    chain.finish()
    await _look_behind_seals(entries, comparison, extent, now_ms)
    for number in sorted({*await store.audit.strays(MOST_STRAYS), *entries.astray}):
        comparison.add(Fault.ADDED, number)
    return Report(
        entries=extent.last,
        sealed=extent.sealed,
        head=None if chain.newest is None else head_of(chain.newest),
        longest_wait_ms=comparison.longest_wait_ms,
        findings=tuple(sorted([*chain.findings, *comparison.findings()], key=lambda finding: finding.first)),
    )


@dataclass(slots=True)
class Comparison:
    """Entries held against digests. What is wrong of neighbours is one finding."""

    longest_wait_ms: int = 0
    _found: list[Finding] = field(default_factory=list)
    _changed: dict[int, bytes] = field(default_factory=dict)
    _sealed_as: dict[bytes, int] = field(default_factory=dict)

    def compare(self, seal: Seal, entries: Mapping[int, AuditEntry]) -> None:
        """Hold the *entries* that are there against the digests of *seal*, which covers them."""
        for number in range(first_of(seal), seal.last + 1):
            self._compare(digest_in(seal, number), number, entries.get(number))
        waits = (seal.sealed_at_ms - entry.at_ms for entry in entries.values())
        self.longest_wait_ms = max([self.longest_wait_ms, *waits])

    def add(self, fault: Fault, number: int) -> None:
        """Note what is wrong with one entry."""
        self.add_range(fault, number, number)

    def add_range(self, fault: Fault, first: int, last: int) -> None:
        """Note what is wrong with all entries from *first* to *last*; nothing if there are none."""
        if first > last:
            return
        before = self._found[-1] if self._found else None
        if before is not None and before.fault is fault and before.last == first - 1:
            self._found[-1] = Finding(fault=fault, first=before.first, last=last)
        else:
            self._found.append(Finding(fault=fault, first=first, last=last))

    def findings(self) -> Iterable[Finding]:
        """Yield what was found; an entry that was sealed with another number has been moved."""
        yield from self._found
        for number, digest in self._changed.items():
            moved_from = self._sealed_as.get(digest)
            fault = Fault.CHANGED if moved_from is None else Fault.MOVED
            yield Finding(fault=fault, first=number, last=number, moved_from=moved_from)

    def _compare(self, sealed: bytes, number: int, entry: AuditEntry | None) -> None:
        if entry is None:
            self._note_removed(sealed, number)
            return
        digest = digest_of(entry)
        if digest == sealed:
            return
        if len(self._changed) < MOST_CHANGED:
            self._changed[number] = digest
            self._sealed_as[sealed] = number
        else:
            self.add(Fault.CHANGED, number)

    def _note_removed(self, sealed: bytes, number: int) -> None:
        if sealed == GONE:
            self.add(Fault.REMOVED_UNSEALED, number)
            return
        self.add(Fault.REMOVED, number)
        if len(self._sealed_as) < MOST_CHANGED:
            self._sealed_as[sealed] = number


class _Entries:
    """The log, read along a page at a time.

    Attributes:
        astray: numbers that are none, or that more than one entry has: nothing but a changed schema allows that.

    """

    def __init__(self, log: AuditLog) -> None:
        self.astray: set[int] = set()
        self._log = log
        self._page: list[AuditEntry] = []
        self._after = 0
        self._upto = 0

    async def within(self, first: int, last: int) -> dict[int, AuditEntry]:
        """Return the entries from *first* to *last* that are there."""
        found: dict[int, AuditEntry] = {}
        place = first
        while place <= last:
            if not self._after < place <= self._upto:
                await self._turn_to(place)
            begin, end = (bisect_left(self._page, number, key=_number) for number in (place, last + 1))
            found.update((entry.number, entry) for entry in self._page[begin:end])
            place = self._upto + 1
        return found

    async def behind(self, number: int) -> AsyncIterator[AuditEntry]:
        """Yield every entry behind *number* that is there."""
        while page := await self._page_behind(number):
            for entry in page:
                yield entry
            number = page[-1].number

    async def _turn_to(self, place: int) -> None:
        """Read the page that begins with the number *place*, or with the next that there is."""
        self._page = await self._page_behind(place - 1)
        self._after = place - 1
        self._upto = self._page[-1].number if self._page else sys.maxsize

    async def _page_behind(self, number: int) -> list[AuditEntry]:
        """Return the next entries behind *number*, none at the end. It is read again: it may be there a second time."""
        page = []
        newest = number - 1
        for entry in await self._log.entries(newest, PAGE + 1):
            if entry.number <= newest:
                self.astray.add(entry.number)
                continue
            newest = entry.number
            if newest > number:
                page.append(entry)
        return page


async def _seals(store: Store, newest: int) -> AsyncIterator[Seal]:
    after = _BEGINNING
    while after < newest:
        page = await store.audit_seals.list_page(after, SEALS)
        if not page:
            return
        for seal in page:
            if seal.number <= newest:
                yield seal
        after = max(after + 1, *(seal.number for seal in page))  # a number that is none leads nowhere


async def _look_behind_seals(entries: _Entries, comparison: Comparison, extent: Extent, now_ms: int) -> None:
    """Look at what no seal covers yet: all of it has to be there, and none of it may have waited long."""
    sealed = max(extent.sealed, 0)
    first, since_ms = 0, now_ms
    expected = sealed + 1
    async for entry in entries.behind(sealed):
        if entry.number > extent.last:
            break  # written since
        comparison.add_range(Fault.REMOVED, expected, entry.number - 1)
        expected = entry.number + 1
        first, since_ms = first or entry.number, min(since_ms, entry.at_ms)
    comparison.add_range(Fault.REMOVED, expected, extent.last)
    if now_ms - since_ms > PATIENCE_MS:
        comparison.add_range(Fault.NOT_SEALED, first, extent.last)


def _number(entry: AuditEntry) -> int:
    return entry.number


PAGE: Final = 1000
SEALS: Final = 100
MOST_STRAYS: Final = 1000
MOST_CHANGED: Final = 100_000
"""Changed entries of which it is remembered what they are, to tell which have changed places."""

_BEGINNING: Final = -(2**63)
