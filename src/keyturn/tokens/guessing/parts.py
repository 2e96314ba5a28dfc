"""What people write: words and names, numbers, ways over a keyboard.

Each part is fed one byte after the other, and says what the cheapest part of its kind that ends there costs. A cost is
a pair: bits of all, and bits of what people write.
"""

import math
from collections.abc import Mapping
from typing import Final, Protocol

from keyturn.tokens.guessing import triples

Cost = tuple[float, float]

OPENING: Final = 9.0
"""Bits that say that a part begins, of which kind it is, and where it ends."""


def more(cost: Cost, bits: float) -> Cost:
    """Return *cost* and so many *bits* of what people write."""
    return cost[0] + bits, cost[1] + bits


class Part(Protocol):
    """One kind of part, on its way through a text."""

    def feed(self, byte: int, before: Cost) -> Cost | None:
        """Return the cost up to and with *byte*, if it can be in such a part; *before* is the cost without it."""
        ...


class Words:
    """Letters as they stand together in words: in any case, with digits for letters, with signs between the words."""

    def __init__(self) -> None:
        self._triples = triples.costs()
        self._cost: Cost | None = None
        self._row = _NO_ROW
        self._letters = 0
        self._upper = False
        self._separator = 0

    def feed(self, byte: int, before: Cost) -> Cost | None:
        """Go on with the word, or begin one."""
        letter = _LETTER_OF[byte]
        if letter < 0:
            return self._between(byte)
        begun = before[0] + _BEGUN_BITS + _DISGUISE_OF[byte]
        cost = self._cost
        if cost is None or begun <= (going := self._going(cost, letter, byte)):
            self._letters, going, cost = 0, begun, before
        self._cost = more(cost, going - cost[0])
        self._letters += 1
        self._row = (self._row % triples.LETTERS) * triples.LETTERS + letter if self._letters > 1 else letter
        self._upper = _IS_UPPER[byte]
        return self._cost

    def _going(self, cost: Cost, letter: int, byte: int) -> float:
        """Return all bits if the word goes on; a change of case is free behind its first letter."""
        bits = _DISGUISE_OF[byte] + _GO_ON_BITS
        if self._letters <= 1:
            return cost[0] + bits + _LETTER_BITS + _CASE_BITS
        turn = _TURN_BITS if self._upper != _IS_UPPER[byte] else _SAME_CASE_BITS
        return cost[0] + bits + turn + self._triples[self._row * triples.LETTERS + letter]

    def _between(self, byte: int) -> Cost | None:
        if self._cost is None or byte not in SEPARATORS:
            self._cost = None
            return None
        bits = SEPARATOR_BITS if byte == self._separator else NEW_SEPARATOR_BITS
        self._letters, self._separator, self._cost = 0, byte, more(self._cost, bits)
        return self._cost


class Numbers:
    """Digits."""

    def __init__(self) -> None:
        self._cost: Cost | None = None

    def feed(self, byte: int, before: Cost) -> Cost | None:
        """Go on with the number, or begin one."""
        if byte not in DIGITS:
            self._cost = None
            return None
        begun = more(before, OPENING + _DIGIT_BITS)
        self._cost = begun if self._cost is None else min(begun, more(self._cost, _DIGIT_BITS))
        return self._cost


class Walks:
    """Keys side by side on a keyboard, with or without the shift key."""

    def __init__(self) -> None:
        self._cost: Cost | None = None
        self._last = (-1, -1)
        self._way: tuple[int, int] | None = None

    def feed(self, byte: int, before: Cost) -> Cost | None:
        """Go on to the next key, or begin at this one."""
        key = _KEYS.get(byte)
        if key is None:
            self._cost = None
            return None
        way = (key[0] - self._last[0], key[1] - self._last[1])
        begun = more(before, OPENING + _KEY_BITS)
        cost = self._cost
        if cost is not None and way in _STEPS:
            cost = more(cost, _STRAIGHT_BITS if way == self._way else _STEP_BITS)
        else:
            cost = begun
        self._way = way if cost < begun else None
        self._cost, self._last = min(cost, begun), key
        return self._cost


def _keys() -> Mapping[int, tuple[int, int]]:
    rows = (
        ("`1234567890-=", "~!@#$%^&*()_+"),
        (" qwertyuiop[]\\", " QWERTYUIOP{}|"),
        (" asdfghjkl;'", ' ASDFGHJKL:"'),
        (" zxcvbnm,./", " ZXCVBNM<>?"),
    )
    placed = (
        (key, (row, column)) for row, shifts in enumerate(rows) for keys in shifts for column, key in enumerate(keys)
    )
    return {ord(key): place for key, place in placed if key != " "}


DISGUISES: Final = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s"}
DIGITS: Final = frozenset(b"0123456789")
SEPARATORS: Final = frozenset(b" -_.,:;/'\"!?@#&+*=(){}[]<>|")
SEPARATOR_BITS: Final = 3.7
NEW_SEPARATOR_BITS: Final = 8.0
_LETTER_BITS: Final = math.log2(triples.LETTERS)
_DIGIT_BITS: Final = math.log2(10)
_PLAIN_BITS: Final = 0.15
_DISGUISE_BITS: Final = 3.3
_GO_ON_BITS: Final = 0.2
_CASE_BITS: Final = 1.0
_SAME_CASE_BITS: Final = 0.15
_TURN_BITS: Final = 3.3
_BEGUN_BITS: Final = OPENING + _LETTER_BITS + _CASE_BITS
_KEY_BITS: Final = 6.5
_STRAIGHT_BITS: Final = 0.5
_STEP_BITS: Final = 3.0
_STEPS: Final = frozenset({(0, 0), (0, 1), (0, -1), (1, 0), (1, -1), (-1, 0), (-1, 1)})
_KEYS: Final = _keys()
_NO_ROW: Final = 0
_PLAIN: Final = [DISGUISES.get(chr(byte), chr(byte).lower()) for byte in range(0x80)]
_LETTER_OF: Final = [ord(letter) - ord("a") if "a" <= letter <= "z" else -1 for letter in _PLAIN]
_DISGUISE_OF: Final = [_DISGUISE_BITS if chr(byte) in DISGUISES else _PLAIN_BITS for byte in range(0x80)]
_IS_UPPER: Final = [chr(byte).isupper() for byte in range(0x80)]
