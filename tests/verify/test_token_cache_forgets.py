"""What the cache of tokens lets go of, in whichever of its generations it is."""

from typing import Any

import pytest

from keyturn.errors import ConfigurationError
from keyturn.verify.requirement import Requirement
from keyturn.verify.token_cache import TokenCache, entry_bytes

TEXTS = [f"head{number}.{'c' * 100}.sig" for number in range(4)]
TOKEN: Any = object()


def test_a_token_is_forgotten_in_both_generations() -> None:
    """REF-16: discarded is discarded: not found again in the generation before."""
    cache = TokenCache(2 * entry_bytes(TEXTS[0]) * 2)
    for text in TEXTS[:3]:
        cache.add(text, TOKEN)
    assert len(cache) == 3
    assert TEXTS[0] in cache._old
    for text in TEXTS[:3]:
        cache.discard(text)
        assert cache.find(text) is None
    assert len(cache) == 0
    assert cache._young_bytes == 0


def test_a_token_that_moved_up_is_forgotten_too() -> None:
    """It is in both generations then."""
    cache = TokenCache(2 * entry_bytes(TEXTS[0]) * 2)
    for text in TEXTS[:3]:
        cache.add(text, TOKEN)
    assert cache.find(TEXTS[0]) is TOKEN
    cache.discard(TEXTS[0])
    assert cache.find(TEXTS[0]) is None


def test_a_generation_holds_what_fills_it_to_the_byte() -> None:
    """Half of the bytes each; with one byte less the same tokens need two."""
    size = entry_bytes(TEXTS[0])
    for generation, kept in ((size, 2), (2 * size, 4), (2 * size - 1, 2), (size - 1, 0)):
        cache = TokenCache(2 * generation)
        for number, text in enumerate(TEXTS, start=1):
            cache.add(text, TOKEN)
            assert len(cache) == min(number, kept), generation


def test_a_token_takes_what_was_measured() -> None:
    """Its text, its claims as values, and what each entry takes."""
    assert entry_bytes(f"head.{'c' * 199}.sig") == 208 + 1100 + 200


@pytest.mark.parametrize("roles", [("admin", ""), ("", "admin"), (), ("admin", 5)])
def test_one_role_without_a_name_spoils_a_requirement(roles: Any) -> None:
    """Fail closed: a route that asks for a role of no name would be open or shut by chance."""
    with pytest.raises(ConfigurationError):
        Requirement.of((), roles)
