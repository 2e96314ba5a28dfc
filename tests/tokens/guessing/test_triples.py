"""The table of letter triples is what the script writes, and tells words from random letters."""

import sys
from pathlib import Path
from random import Random
from string import ascii_lowercase

from keyturn.tokens.guessing import triples

sys.path.append(str(Path(__file__).parents[3] / "scripts"))

import make_letter_triples as script


def test_the_table_is_what_the_script_writes() -> None:
    """It is counted over the word lists of the pinned zxcvbn."""
    assert script.table(script.words()) == triples._COMMON


def test_words_have_more_common_triples_than_random_letters() -> None:
    """Two of three against one of five, with digits for letters too."""
    source = Random(4)
    letters = "".join(source.choice(ascii_lowercase) for _ in range(2000))
    assert triples.share_of_words(b"the quick brown foxes were running over the lazy dogs") > 0.6
    assert triples.share_of_words(b"th3 qu1ck br0wn f0x3s w3r3 runn1ng 0v3r th3 l4zy d0gs") > 0.6
    assert triples.share_of_words(letters.encode()) < 0.25


def test_costs_are_a_code() -> None:
    """Kraft: behind any two letters, the probabilities that the costs stand for sum to one at most."""
    costs = triples.costs()
    for start in range(0, len(costs), triples.LETTERS):
        assert sum(2**-bits for bits in costs[start : start + triples.LETTERS]) < 1.0 + 1e-9
