"""What a checker keeps, and what it lets go of."""

from typing import Any

import pytest

from keyturn.errors import InvalidToken, InvalidTokenReason, TokenExpired
from keyturn.testing import TestIssuer
from keyturn.tokens.access_token import Expected
from keyturn.tokens.algorithms import ASYMMETRIC
from keyturn.tokens.key_set import parse_key_set
from keyturn.tokens.revocation import RevocationEntry, RevocationKind, RevocationView, digest
from keyturn.verify.checking import TokenChecker
from keyturn.verify.token_cache import TokenCache

NOW = 1_800_000_000.5


@pytest.fixture
def issuer() -> TestIssuer:
    """Return an issuer that lives at the time at which its tokens are judged."""
    return TestIssuer(clock=lambda: NOW)


def test_where_nothing_is_ever_revoked_a_token_passes_once_more(issuer: TestIssuer) -> None:
    """A checker without a view has none to ask."""
    checker, cache, keys = _checker(issuer)
    token = checker.check(issuer.make_token("ada"), keys.get, NOW)
    checker.check_revoked(token, NOW)
    assert cache.find("another text") is None


def test_what_was_revoked_meanwhile_passes_no_more(issuer: TestIssuer) -> None:
    """VER-31: a token that was good a moment ago is refused by the same rule."""
    view = RevocationView()
    checker, _, keys = _checker(issuer, view)
    token = checker.check(issuer.make_token("ada", sid="s1"), keys.get, NOW)
    checker.check_revoked(token, NOW)
    named = digest(RevocationKind.SID, "s1")
    entry = RevocationEntry(seq=1, kind=RevocationKind.SID, digest=named, before=None, expires_at=int(NOW) + 60)
    view.add(entry)
    with pytest.raises(InvalidToken) as refused:
        checker.check_revoked(token, NOW)
    assert refused.value.reason is InvalidTokenReason.REVOKED


def test_what_has_no_key_any_more_or_is_over_is_not_kept(issuer: TestIssuer) -> None:
    """VER-14, VER-25: a token whose key went, changed or whose time ended makes room at once."""
    checker, cache, keys = _checker(issuer)
    text = issuer.make_token("ada")
    other = parse_key_set(TestIssuer().jwks, algorithms=ASYMMETRIC)
    for find_key in (lambda _kid: None, lambda _kid: next(iter(other.values()))):
        checker.check(text, keys.get, NOW)
        assert cache.find(text) is not None
        with pytest.raises(InvalidToken):
            checker.check(text, find_key, NOW)
        assert cache.find(text) is None
    checker.check(text, keys.get, NOW)
    with pytest.raises(TokenExpired):
        checker.check(text, keys.get, NOW + 7200)
    assert cache.find(text) is None


def _checker(issuer: TestIssuer, view: RevocationView | None = None) -> tuple[TokenChecker, TokenCache, Any]:
    expected = Expected(issuer=issuer.issuer, audiences=frozenset({issuer.audience}), algorithms=ASYMMETRIC)
    cache = TokenCache()
    return (
        TokenChecker(expected, revocations=view, cache=cache),
        cache,
        parse_key_set(issuer.jwks, algorithms=ASYMMETRIC),
    )


def test_what_is_too_long_to_be_a_token_is_not_looked_for(issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """VER-03: a look-up reads all of a text, and nobody is to make us read a megabyte twice."""
    looked_for: list[int] = []
    monkeypatch.setattr(TokenCache, "find", lambda _self, text: looked_for.append(len(text)))
    checker, _, keys = _checker(issuer)
    for size in (8192, 8193, 10**6):
        with pytest.raises(InvalidToken):
            checker.check("x" * size, keys.get, NOW)
    assert looked_for == [8192]
