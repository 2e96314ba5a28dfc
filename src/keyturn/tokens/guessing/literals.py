"""What a character of a secret is worth that has to be said by itself, drawn at random from an alphabet.

An alphabet is what the secret itself shows: digits, lower case, upper case, and whichever signs are in it. Random
characters change their class without memory; whoever types stays in one for a while, and that makes them cheaper.
"""

import math
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

BYTE_BITS: Final = 8.0

_DIGIT, _LOWER, _UPPER, _SIGN = range(4)
_KINDS: Final = 4


def is_text(data: bytes) -> bool:
    """Say whether *data* is printable ASCII."""
    return not data.translate(None, _PRINTABLE)


def is_hexadecimal(text: bytes) -> bool:
    """Say whether *text* has hexadecimal digits alone, and what stands between groups of them."""
    return not text.lower().translate(None, _HEX + b"-")


def texts_in(data: bytes) -> list[tuple[int, bytes]]:
    """Return the printable texts in *data* and where they begin; random bytes hardly have any."""
    if is_text(data):
        return [(0, data)]
    pattern = _TEXT if len(data) >= _LONG else _LONG_TEXT  # what is short has no bits to lose to chance
    return [(found.start(), found[0]) for found in pattern.finditer(data)]


def drawn(text: bytes) -> float:
    """Return the bits of one character of *text*, drawn without memory from the smallest alphabet.

    What stands between groups of hexadecimal digits, as in a UUID, says nothing.
    """
    digits = text.translate(None, b"-")
    for size, alphabet in _NARROW:
        if not text.translate(None, alphabet):
            return math.log2(size)
        if size == _HEX_SIZE and not digits.translate(None, alphabet):
            return math.log2(size) * len(digits) / len(text)
    classes, sizes = text.translate(_CLASSES), _sizes(text)
    present = Counter(classes)
    flat = math.log2(sum(sizes[kind] for kind in present))
    return min(flat, (_adaptive(present.values()) + _within(present, sizes)) / len(text))


def typed(text: bytes) -> float:
    """Return the bits of one character of *text*, where the class of each may depend on the one before."""
    classes, sizes = text.translate(_CLASSES), _sizes(text)
    present = Counter(classes)
    if present.keys() <= {_LOWER, _SIGN} and _LOWER in present:
        return _SMALL_LETTER_BITS
    following: dict[int, Counter[int]] = {}
    for before, after in pairwise(classes):
        following.setdefault(before, Counter())[after] += 1
    turns = 2.0 + sum(_adaptive(counts.values()) for counts in following.values())
    return min(drawn(text), (turns + _within(present, sizes)) / len(text))


def shuffled(data: bytes) -> float:
    """Return the bits of all of *data*, if each byte that is in it is named and then drawn as often as it occurs."""
    counts = Counter(data)
    return _adaptive(counts.values(), len(counts)) + _NAMED_BITS * len(counts)


def _adaptive(counts: Iterable[int], kinds: int = _KINDS) -> float:
    """Return the bits of a sequence of *kinds* that occur so often, each the cheaper the more often it was there.

    It is the code of Krichevsky and Trofimov: it begins with half an occurrence of each, so that nothing else is said.
    """
    seen = tuple(counts)
    logarithm = math.lgamma(sum(seen) + kinds / 2) - math.lgamma(kinds / 2)
    return (logarithm - sum(math.lgamma(count + 0.5) - math.lgamma(0.5) for count in seen)) / math.log(2)


def _within(present: Counter[int], sizes: Sequence[int]) -> float:
    return sum(count * math.log2(sizes[kind]) for kind, count in present.items())


def _sizes(text: bytes) -> tuple[int, ...]:
    return (10, 26, 26, max(1, len(set(text.translate(None, _ALPHANUMERIC)))))


_NAMED_BITS: Final = 5.0
_SMALL_LETTER_BITS: Final = 2.2
"""For a character of a text in lower case without a digit: hardly any generator writes so, and everybody does."""
_ALPHANUMERIC: Final = (string.ascii_letters + string.digits).encode()
_LONG: Final = 24
_TEXT: Final = re.compile(rb"[ -~]{8,}")
_LONG_TEXT: Final = re.compile(rb"[ -~]{12,}")
_PRINTABLE: Final = bytes(range(0x20, 0x7F))
_CLASSES: Final = (
    bytes(
        _DIGIT if chr(byte).isdigit() else _LOWER if chr(byte).islower() else _UPPER if chr(byte).isupper() else _SIGN
        for byte in range(0x80)
    )
    + bytes([_SIGN]) * 0x80
)
_HEX: Final = b"0123456789abcdef"
_HEX_SIZE: Final = len(_HEX)
_BASE32: Final = b"abcdefghijklmnopqrstuvwxyz234567"
_NARROW: Final = (
    *((2, b"01"), (10, b"0123456789"), (16, _HEX), (16, _HEX.upper())),
    *((32, _BASE32), (32, _BASE32.upper() + b"=")),
)
