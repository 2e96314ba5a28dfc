"""Every token that is one character away from a good one: a substitution, an insertion, a deletion, at each place.

With all of base64url, the rest of ASCII, and a few characters beyond: about 100,000 tokens an algorithm, all refused.
"""

from collections.abc import Callable, Iterator
from random import Random

import pytest
from target import Target

from keyturn import InvalidToken

pytestmark = pytest.mark.slow

#: What a decoder, a header or a normaliser might take for something else.
_BEYOND = "\x80\xa0\xad\u00e5\u2024\u200b\u2028\ufe4d\uff0d\uff21\u0410\ufeff\ud800\U0001d400"
_CHARACTERS = "".join(map(chr, range(128))) + _BEYOND

_SHARE = 3_000


def test_a17_no_neighbour_of_a_good_token_is_one(
    full: bool, seed: int, say: Callable[[str], None], api: Target
) -> None:
    """A17: all of them with ``--full``, else a share by chance; the good token is accepted before and after."""
    good = api.sign()
    neighbours = _neighbours(good) if full else _some(good, Random(seed))
    api.accept(good)
    reasons: dict[str, int] = {}
    for text in neighbours:
        reason = _reason(api, text)
        reasons[reason] = reasons.get(reason, 0) + 1
    api.accept(good)
    counts = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
    say(f"{api.algorithm}: {len(good)} characters, {sum(reasons.values()):,} neighbours, 0 accepted: {counts}")
    assert set(reasons) <= {"malformed", "bad_signature", "unknown_key", "alg_not_allowed", "wrong_type"}
    assert reasons["malformed"] > 0
    assert reasons["bad_signature"] > 0


def test_a17_the_last_character_of_a_signature_has_no_twin(api: Target) -> None:
    """A17: in each run, all characters in the places where a lenient decoder would see none of the difference."""
    good = api.sign()
    ends = [at - 1 for at, character in enumerate(good) if character == "."]
    for at in (*ends, len(good) - 1):
        for character in _CHARACTERS.replace(good[at], ""):
            _reason(api, good[:at] + character + good[at + 1 :])


def _neighbours(good: str) -> Iterator[str]:
    """Yield each text that one edit makes of *good*."""
    for at, there in enumerate(good):
        before, after = good[:at], good[at + 1 :]
        yield before + after
        for character in _CHARACTERS:
            yield before + character + there + after
            if character != there:
                yield before + character + after
    for character in _CHARACTERS:
        yield good + character


def _some(good: str, random: Random) -> Iterator[str]:
    for _ in range(_SHARE):
        at, character = random.randrange(len(good)), random.choice(_CHARACTERS)
        rest = good[at + random.choice((0, 1, 1)) :]
        text = good[:at] + random.choice((character, character, "")) + rest
        if text != good:
            yield text


def _reason(api: Target, text: str) -> str:
    try:
        api.verifier.verify(text)
    except InvalidToken as refused:
        return refused.reason.value
    raise AssertionError(f"accepted: {text!r}")
