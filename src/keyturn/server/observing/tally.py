"""Counts in pieces of memory that several processes see: each piece is written by one process and read by all.

A page holds records, a name and its numbers each, and records are only ever added: a reader needs no lock. A number is
eight bytes on a boundary of eight, which a processor reads and writes whole. A process that takes over the page of one
that has ended goes on counting where that one stopped, so that no counter ever falls.
"""

import json
import mmap
import struct
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

Numbers: TypeAlias = "memoryview[float]"

PAGE_BYTES: Final = 1 << 20
"""Room for every combination of labels there can be, several times over; only what is written to takes memory."""


def shared_page() -> "Page":
    """Return an empty page that every process sees which is forked after this."""
    return Page(mmap.mmap(-1, PAGE_BYTES))


class Page:
    """Numbers by name, in *memory* or in memory of its own. One process at a time may add to them."""

    def __init__(self, memory: mmap.mmap | None = None) -> None:
        self._memory = memoryview(bytearray(PAGE_BYTES) if memory is None else memory)
        self._doubles = self._memory.cast("d")

    def numbers(self, name: str, width: int) -> Numbers:
        """Return the *width* numbers of *name*, all 0 if it is new."""
        found = next((numbers for other, numbers in self.records() if other == name), None)
        return self._add(name.encode(), width) if found is None else found

    def records(self) -> Iterator[tuple[str, Numbers]]:
        """Yield every name with its numbers."""
        start, (end,) = _USED.size, _USED.unpack_from(self._memory, 0)
        while start < end:
            length, width = _HEAD.unpack_from(self._memory, start)
            name = bytes(self._memory[start + _HEAD.size : start + _HEAD.size + length]).decode()
            first = _first_number(start, length)
            start = first + _NUMBER * width
            yield name, self._doubles[first // _NUMBER : start // _NUMBER]

    def _add(self, name: bytes, width: int) -> Numbers:
        (used,) = _USED.unpack_from(self._memory, 0)
        start = max(used, _USED.size)
        first = _first_number(start, len(name))
        end = first + _NUMBER * width
        if end > len(self._memory):  # counted, and seen by nobody
            return memoryview(bytearray(_NUMBER * width)).cast("d")
        _HEAD.pack_into(self._memory, start, len(name), width)
        self._memory[start + _HEAD.size : start + _HEAD.size + len(name)] = name
        _USED.pack_into(self._memory, 0, end)  # last: no reader goes further than this
        return self._doubles[first // _NUMBER : end // _NUMBER]


class Tally:
    """What this process counts in *ours*, and the sums of that and of what *others* count."""

    def __init__(self, ours: Page | None = None, others: Sequence[Page] = ()) -> None:
        self._ours = ours or Page()
        self._pages = (self._ours, *others)

    def numbers(self, family: str, labels: Sequence[str], width: int) -> Numbers:
        """Return the numbers that this process adds to."""
        return self._ours.numbers(json.dumps([family, *labels]), width)

    def sums(self, family: str) -> dict[tuple[str, ...], list[float]]:
        """Return the numbers of all processes together, by their labels."""
        sums: dict[tuple[str, ...], list[float]] = {}
        for page in self._pages:
            for name, numbers in page.records():
                if name.startswith(f'["{family}",'):
                    labels = tuple(json.loads(name)[1:])
                    before = sums.get(labels, [0.0] * len(numbers))
                    sums[labels] = [sum(pair) for pair in zip(before, numbers, strict=True)]
        return dict(sorted(sums.items()))


def _first_number(start: int, length: int) -> int:
    """Return where the numbers of the record at *start* begin, whose name has *length* bytes."""
    return -(-(start + _HEAD.size + length) // _NUMBER) * _NUMBER


_NUMBER: Final = 8
_USED: Final = struct.Struct("=Q")
_HEAD: Final = struct.Struct("=II")
