"""Write the table of ``keyturn.tokens.guessing.triples``: which three letters stand together in words and names.

Counted over zxcvbn's lists of passwords, English words and names, each word once. Run it by hand after a change of
zxcvbn; a test holds the table to it.
"""

import base64
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from string import ascii_lowercase
from typing import Final

from zxcvbn.frequency_lists import FREQUENCY_LISTS

COMMON: Final = 3000
"""So many of the 17,576 triples are common; nine of ten that stand in a word are among them."""


def table(words: Iterable[str], common: int = COMMON) -> str:
    """Return a bit for each triple in alphabetical order, set for the *common* most frequent, as base85."""
    counts = Counter(triple for word in words for triple in _triples(word))
    ranked = sorted(counts, key=lambda triple: (-counts[triple], triple))
    chosen = set(ranked[:common])
    bits = "".join(str(int("".join(letters) in chosen)) for letters in product(ascii_lowercase, repeat=3))
    return base64.b85encode(int(bits, 2).to_bytes(len(bits) // 8)).decode("ascii")


def words() -> Iterator[str]:
    """Yield every word of zxcvbn's lists."""
    for ranked in FREQUENCY_LISTS.values():
        yield from ranked


def _triples(word: str) -> Iterator[str]:
    if word.isascii() and word.isalpha():
        yield from (word[start : start + 3] for start in range(len(word) - 2))


def main() -> None:
    """Print the table in lines, as the file has it."""
    text = table(words())
    for start in range(0, len(text), 100):
        sys.stdout.write(f'    "{text[start : start + 100]}"\n')


if __name__ == "__main__":
    main()
