"""Words one after the other, of a list that has the bits of each: in any case, and with digits for letters."""

from collections.abc import Iterator
from typing import Final

from keyturn.tokens.guessing.dictionary import Dictionary
from keyturn.tokens.guessing.parts import (
    DIGITS,
    DISGUISES,
    NEW_SEPARATOR_BITS,
    OPENING,
    SEPARATOR_BITS,
    SEPARATORS,
    Cost,
    more,
)


class Phrases:
    """The phrases in a text, from its start to its end."""

    def __init__(self, text: bytes, words: Dictionary) -> None:
        """Look for *words* in *text*."""
        self._words = words
        self._text = text.decode("ascii")
        self._lower = self._text.lower()
        self._spelled = self._lower.translate(_SPELLING)
        self._open: dict[int, Cost] = {}
        self._separator = ""

    def from_(self, place: int, before: Cost) -> Iterator[tuple[int, Cost]]:
        """Yield where a phrase can end that has a word or a separator at *place*, and what it costs up to there."""
        going = self._open.pop(place, None)
        if going is not None:
            yield from self._between(place, going)
        start = more(before, OPENING)
        if going is not None and going < start:
            start = going
        for end, bits in self._words_at(place):
            yield self._reach(end, more(start, bits))

    def _between(self, place: int, going: Cost) -> Iterator[tuple[int, Cost]]:
        character = self._text[place]
        if ord(character) in DIGITS:
            yield self._reach(place + 1, more(going, _DIGIT_BITS))
        elif ord(character) in SEPARATORS:
            bits = SEPARATOR_BITS if character == self._separator else NEW_SEPARATOR_BITS
            self._separator = character
            yield self._reach(place + 1, more(going, bits))

    def _reach(self, end: int, cost: Cost) -> tuple[int, Cost]:
        self._open[end] = min(cost, self._open.get(end, cost))
        return end, cost

    def _words_at(self, place: int) -> Iterator[tuple[int, float]]:
        """Yield the end of each word that begins at *place*, and the bits of the word."""
        plain, spelled = self._lower[place : place + _LONGEST], self._spelled[place : place + _LONGEST]
        for length in self._words.lengths(plain):
            yield place + length, self._words.bits[plain[:length]] + self._case_bits(place, length)
        if spelled == plain:
            return
        for length in self._words.lengths(spelled):
            changed = sum(map(str.__ne__, plain[:length], spelled))
            if changed:
                bits = self._words.bits[spelled[:length]] + 1 + changed * _DISGUISE_BITS
                yield place + length, bits + self._case_bits(place, length)

    def _case_bits(self, place: int, length: int) -> float:
        word = self._text[place : place + length]
        return 1.0 if word.islower() or word.isupper() or word.istitle() else 2 + length / 2


_LONGEST: Final = 20
_DIGIT_BITS: Final = 5.0
_DISGUISE_BITS: Final = 1.5
_SPELLING: Final = str.maketrans(DISGUISES)
