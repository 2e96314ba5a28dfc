"""The shortest description of some bytes, in bits: what has a pattern is said shorter than byte by byte.

It is a code in the sense of Kraft: of all texts that one alphabet can write, the share that it says in *n* bits less
than plainly is about 2^-n. So a random secret is mistaken for a guessable one about as seldom as that.
"""

import math
from typing import Final

from keyturn.tokens.guessing import literals
from keyturn.tokens.guessing.dictionary import Dictionary
from keyturn.tokens.guessing.parts import Cost, Numbers, Part, Walks, Words
from keyturn.tokens.guessing.patterns import Jumps, patterns
from keyturn.tokens.guessing.phrases import Phrases

EMBEDDED_BITS: Final = 9.0
"""Bits that say where a text begins and ends among bytes that are none: chance writes a short one now and then."""


def describe(data: bytes, words: Dictionary) -> Cost:
    """Return the bits of the shortest description of *data*, and how many of them say what people write.

    Dynamic programming: the cheapest way to each place is the cheapest way to an earlier one, and one step.
    """
    best: list[Cost] = [(0.0, 0.0), *[(math.inf, 0.0)] * len(data)]
    jumps = patterns(data)
    place = 0
    for start, text in (*literals.texts_in(data), (len(data), b"")):
        _walk(best, jumps, place, start)
        if 0 < len(text) < len(data):
            best[start] = (best[start][0] + EMBEDDED_BITS, best[start][1])
        _read(best, jumps, start, text, words)
        place = start + len(text)
    return best[-1]


def _walk(best: list[Cost], jumps: Jumps, start: int, end: int) -> None:
    """Go from *start* to *end* by bytes that are no text."""
    for place in range(start, end):
        total, human = best[place]
        best[place + 1] = min(best[place + 1], (total + literals.BYTE_BITS, human))
        _jump(best, jumps, place)


def _read(best: list[Cost], jumps: Jumps, start: int, text: bytes, words: Dictionary) -> None:
    """Go through the *text* that begins at *start*."""
    if not text:
        return
    bits, phrases = literals.typed(text), Phrases(text, words)
    parts: tuple[Part, ...] = () if literals.is_hexadecimal(text) else (Words(), Numbers(), Walks())
    for place, byte in enumerate(text, start=start):
        before = best[place]
        step = min(best[place + 1], (before[0] + bits, before[1]))
        for part in parts:
            offer = part.feed(byte, before)
            if offer is not None and offer < step:
                step = offer
        best[place + 1] = step
        _jump(best, jumps, place)
        for end, cost in phrases.from_(place - start, before):
            best[start + end] = min(best[start + end], cost)


def _jump(best: list[Cost], jumps: Jumps, place: int) -> None:
    total, human = best[place]
    for length, bits in jumps.get(place, ()):
        best[place + length] = min(best[place + length], (total + bits, human))
