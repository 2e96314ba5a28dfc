"""Whether a secret can be guessed: by what it takes to describe it, by its shape, and by being known."""

from typing import Final

from keyturn.tokens import base64url
from keyturn.tokens.guessing import literals
from keyturn.tokens.guessing.description import describe
from keyturn.tokens.guessing.dictionary import Dictionary, all_words, trade_words
from keyturn.tokens.guessing.known import is_known
from keyturn.tokens.guessing.readings import readings
from keyturn.tokens.guessing.triples import share_of_words

LEAST_BITS: Final = 96
"""A secret takes at least 2^96 guesses."""

MOST_HUMAN_BITS: Final = 32
"""What words, names, numbers and ways over the keyboard may add to that, however many: phrases stand in books."""

LEAST_SHAPED_BITS: Final = 24
"""A text that is described so much shorter than a random one is no random one: hardly one in 2^24 of those is."""

LEAST_LONG_SHAPED_BITS: Final = 32
"""The same for a text of more than `LONG` characters: it has more places where chance looks like a word."""

LONG: Final = 64

_WORDY: Final = 0.42
"""The share of letter triples from which on a text is held to be words until they were looked up."""


def is_guessable(secret: bytes) -> bool:
    """Say whether *secret*, or anything that it encodes, can be guessed.

    Raises:
        InvalidKey: it reads like a text, and zxcvbn's word lists are not installed.

    """
    return (
        literals.shuffled(secret) < LEAST_BITS  # too few bytes, or too alike
        or any(is_known(reading) or _is_weak(reading, _words_for(reading)) for reading in readings(secret))
        or (not literals.is_text(secret) and _is_weak(base64url.encode(secret).encode(), trade_words()))
    )


def _is_weak(data: bytes, words: Dictionary) -> bool:
    total, human = describe(data, words)
    if total - human + min(human, MOST_HUMAN_BITS) < LEAST_BITS:
        return True
    least = LEAST_SHAPED_BITS if len(data) <= LONG else LEAST_LONG_SHAPED_BITS
    return literals.is_text(data) and literals.drawn(data) * len(data) - total >= least


def _words_for(data: bytes) -> Dictionary:
    """Return the words to look for: what is mostly no text, or reads like no words at all, has those of our trade."""
    text = b"".join(text for _, text in literals.texts_in(data) if not literals.is_hexadecimal(text))
    wordy = 2 * len(text) >= len(data) and share_of_words(text) >= _WORDY
    return all_words() if wordy else trade_words()
