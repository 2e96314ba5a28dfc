"""What repeats, counts on, or is a date: the places where something can be said without its characters."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

Jumps = Mapping[int, list[tuple[int, float]]]
"""At each place, how many bytes can be said at once, and the bits that say them."""


def patterns(data: bytes) -> Jumps:
    """Return the patterns in *data* by the place where they begin."""
    found: dict[int, list[tuple[int, float]]] = {}
    for start, length, bits in (*_copies(data), *_progressions(data), *_dates(data)):
        found.setdefault(start, []).append((length, _OPENING + bits))
    return found


def _copies(data: bytes) -> Iterator[tuple[int, int, float]]:
    """Find what stood there before; a copy may reach into itself, as in ``ababab``."""
    first: dict[bytes, int] = {}
    last: dict[bytes, int] = {}
    for start in range(len(data) - _SHORTEST_COPY + 1):
        key = data[start : start + _SHORTEST_COPY]
        for source in {first.setdefault(key, start), last.get(key, start)} - {start}:
            length = _common(data, source, start)
            yield start, length, math.log2(start) + _length_bits(length)
        last[key] = start


def _common(data: bytes, source: int, start: int) -> int:
    length = _SHORTEST_COPY
    while start + length < len(data) and data[source + length] == data[start + length]:
        length += 1
    return length


def _progressions(data: bytes) -> Iterator[tuple[int, int, float]]:
    """Find what goes on with the same step from one byte to the next, or to the second, third or fourth next."""
    for lag in range(1, _LONGEST_LAG + 1):
        steps = [(after - before) % 256 for before, after in zip(data, data[lag:], strict=False)]
        length = 0
        for place in range(lag, len(steps)):
            length = length + 1 if steps[place] == steps[place - lag] else 0
            if length >= _SHORTEST_PROGRESSION:
                yield place + lag + 1 - length, length, _LAG_BITS + _length_bits(length)


def _dates(data: bytes) -> Iterator[tuple[int, int, float]]:
    for pattern, bits in _DATES:
        for found in pattern.finditer(data):
            yield found.start(), len(found[1]), bits


def _length_bits(length: int) -> float:
    return 2 * math.log2(length)


_OPENING: Final = 5.0
"""Bits that say that a pattern begins, and of which kind it is."""
_SHORTEST_COPY: Final = 3
_SHORTEST_PROGRESSION: Final = 3
_LONGEST_LAG: Final = 4
_LAG_BITS: Final = 2.0
_YEAR: Final = rb"(?:19|20)\d\d"
_MONTH: Final = rb"(?:0[1-9]|1[0-2])"
_DAY: Final = rb"(?:0[1-9]|[12]\d|3[01])"
_DATES: Final = (
    (re.compile(rb"(?=(%b))" % _YEAR), 7.0),
    *(
        (re.compile(rb"(?=(%b[-./]?%b[-./]?%b))" % order), 17.0)
        for order in ((_YEAR, _MONTH, _DAY), (_DAY, _MONTH, _YEAR), (_MONTH, _DAY, _YEAR))
    ),
)
