"""A token seen before is judged again in all that can change: its age, its key, its revocation."""

import dataclasses
import gc
import threading
import tracemalloc
from typing import Any

import pytest

from keyturn.errors import InvalidToken, InvalidTokenReason, TokenExpired
from keyturn.testing import TestIssuer
from keyturn.tokens.access_token import AccessToken, Expected
from keyturn.tokens.algorithms import ASYMMETRIC
from keyturn.tokens.key_set import parse_key_set
from keyturn.tokens.keys import VerificationKey
from keyturn.tokens.revocation import RevocationEntry, RevocationKind, RevocationView, digest
from keyturn.verify.checking import TokenChecker
from keyturn.verify.token_cache import TokenCache, entry_bytes

NOW = 1_800_000_000.5


@pytest.fixture
def issuer() -> TestIssuer:
    """Return an issuer that lives at the time at which its tokens are judged."""
    return TestIssuer(clock=lambda: NOW)


def checker(issuer: TestIssuer, view: RevocationView | None = None, cache: TokenCache | None = None) -> TokenChecker:
    """Return a checker of *issuer*'s tokens."""
    expected = Expected(issuer=issuer.issuer, audiences=frozenset({issuer.audience}), algorithms=ASYMMETRIC)
    return TokenChecker(expected, revocations=view, cache=cache)


def keys_of(issuer: TestIssuer) -> dict[str, VerificationKey]:
    """Return the keys of *issuer*, made anew."""
    return parse_key_set(issuer.jwks, algorithms=ASYMMETRIC)


class Counting:
    """A key that counts what it is asked."""

    def __init__(self, key: VerificationKey) -> None:
        self.kid, self.algorithm, self._key = key.kid, key.algorithm, key
        self.asked = 0

    def verify(self, signing_input: bytes, signature: bytes) -> bool:
        """Count, and verify."""
        self.asked += 1
        return self._key.verify(signing_input, signature)


def test_a_signature_is_verified_once(issuer: TestIssuer) -> None:
    """P3: the second time costs a look-up."""
    (kid, key), *_ = keys_of(issuer).items()
    counting, check, text = Counting(key), checker(issuer), issuer.make_token()
    first = check.check(text, {kid: counting}.get, NOW)  # type: ignore[arg-type]
    assert check.check(text, {kid: counting}.get, NOW) is first  # type: ignore[arg-type]
    assert counting.asked == 1


def test_a_seen_token_still_expires(issuer: TestIssuer) -> None:
    """VER-31."""
    check, text, keys = checker(issuer), issuer.make_token(expires_in=60), keys_of(issuer)
    check.check(text, keys.get, NOW)
    for _ in range(2):
        with pytest.raises(TokenExpired):
            check.check(text, keys.get, NOW + 66)


@pytest.mark.parametrize("kind", list(RevocationKind))
def test_a_seen_token_is_refused_once_it_is_revoked(issuer: TestIssuer, kind: RevocationKind) -> None:
    """VER-31, A39: whatever it is revoked by."""
    view, text, keys = RevocationView(), issuer.make_token(), keys_of(issuer)
    check = checker(issuer, view)
    token = check.check(text, keys.get, NOW)
    value = {"jti": token.jti, "sid": token.sid, "sub": token.sub, "kid": token.kid, "all": ""}[kind.value]
    before = int(token.issued_at) if kind in {RevocationKind.SUB, RevocationKind.ALL} else None
    entry = RevocationEntry(
        seq=1, kind=kind, digest=digest(kind, value or ""), before=before, expires_at=int(NOW) + 3660
    )
    view.add(entry)
    with pytest.raises(InvalidToken) as refusal:
        check.check(text, keys.get, NOW)
    assert refusal.value.reason is InvalidTokenReason.REVOKED


def test_a_seen_token_does_not_outlive_its_key(issuer: TestIssuer) -> None:
    """KEY-04: a key that was withdrawn takes what it has signed along."""
    check, text, keys = checker(issuer), issuer.make_token(), keys_of(issuer)
    check.check(text, keys.get, NOW)
    with pytest.raises(InvalidToken) as refusal:
        check.check(text, {}.get, NOW)
    assert refusal.value.reason is InvalidTokenReason.UNKNOWN_KEY


def test_a_token_that_no_key_vouched_for_is_not_taken_from_the_cache(issuer: TestIssuer) -> None:
    """VER-31: one made by hand names no key, and no key is not the same as an unknown one."""
    cache, text, keys = TokenCache(), issuer.make_token(), keys_of(issuer)
    cache.add(text, dataclasses.replace(checker(issuer).check(text, keys.get, NOW), key=None))
    with pytest.raises(InvalidToken) as refusal:
        checker(issuer, cache=cache).check(text, {}.get, NOW)
    assert refusal.value.reason is InvalidTokenReason.UNKNOWN_KEY


def test_a_seen_token_is_verified_anew_when_its_kid_names_another_key(issuer: TestIssuer) -> None:
    """A33: a kid is a name, and what it names is what counts."""
    check, text, keys = checker(issuer), issuer.make_token(), keys_of(issuer)
    token = check.check(text, keys.get, NOW)
    (stranger,) = keys_of(TestIssuer()).values()
    with pytest.raises(InvalidToken) as refusal:
        check.check(text, {token.kid: dataclasses.replace(stranger, kid=token.kid)}.get, NOW)
    assert refusal.value.reason is InvalidTokenReason.BAD_SIGNATURE


def test_the_same_key_fetched_again_costs_no_signature(issuer: TestIssuer) -> None:
    """A refresh of the key set does not empty the cache."""
    check, text = checker(issuer), issuer.make_token()
    assert check.check(text, keys_of(issuer).get, NOW) is check.check(text, keys_of(issuer).get, NOW)


def test_a_refused_token_is_not_kept(issuer: TestIssuer) -> None:
    """Only successes get in: a stranger can't fill the cache."""
    cache = TokenCache()
    check = checker(issuer, cache=cache)
    for text in (issuer.make_token(aud="other"), issuer.make_token()[:-4] + "AAAA", TestIssuer().make_token(), "x"):
        with pytest.raises(InvalidToken):
            check.check(text, keys_of(issuer).get, NOW)
    assert len(cache) == 0


@pytest.mark.parametrize("text", [None, 7, b"a.b.c", [], {}])
def test_what_is_no_text_is_malformed(issuer: TestIssuer, text: object) -> None:
    """VER-29: one type of exception, whatever comes."""
    with pytest.raises(InvalidToken) as refusal:
        checker(issuer).check(text, keys_of(issuer).get, NOW)  # type: ignore[arg-type]
    assert refusal.value.reason is InvalidTokenReason.MALFORMED


def test_tokens_that_share_all_but_their_end_never_share_an_entry(issuer: TestIssuer) -> None:
    """A29: the same header and nearly the same claims; one character of the signature changed is another token."""
    check, keys = checker(issuer), keys_of(issuer)
    texts = {f"user-{number}": issuer.make_token(f"user-{number}", jti="same", sid="same") for number in range(50)}
    for _ in range(2):
        assert all(check.check(text, keys.get, NOW).sub == sub for sub, text in texts.items())
    text = texts["user-0"]
    with pytest.raises(InvalidToken):
        check.check(text[:-20] + ("A" if text[-20] != "A" else "B") + text[-19:], keys.get, NOW)


def seen(issuer: TestIssuer) -> AccessToken:
    """Return a token for the cache."""
    return checker(issuer).check(issuer.make_token(), keys_of(issuer).get, NOW)


def test_the_cache_keeps_to_its_bytes_and_to_what_is_used(issuer: TestIssuer) -> None:
    """P3: the memory is bounded; what was used lately stays."""
    entry, size = seen(issuer), entry_bytes("0000")
    cache = TokenCache(max_bytes=20 * size)
    cache.add("used", entry)
    for number in range(1000):
        cache.add(f"{number:04}", entry)
        assert cache.find("used") is not None
        assert len(cache) <= 20
    assert cache.find("0000") is None


@pytest.mark.parametrize(
    "claims",
    [
        {"scopes": ["orders:read", "orders:write"], "roles": ["user"]},
        {"roles": [f"role-{number}" for number in range(20)]},
        {f"claim-{number}": f"value {number}" for number in range(60)},
        {"sid": None, "auth_time": None},
    ],
)
def test_an_entry_takes_what_is_counted_for_it(claims: dict[str, Any]) -> None:
    """P3: the bound is stated in bytes, so they are neither more nor, by much, fewer; revocation digests included."""
    issuer = TestIssuer("https://auth.example.com", "https://api.example.com", clock=lambda: NOW)
    check, keys = checker(issuer, RevocationView()), keys_of(issuer)
    sent = [issuer.make_token(**claims).encode() for _ in range(600)]
    for text in sent[:300]:
        check.check(text.decode(), keys.get, NOW)
    gc.collect()
    tracemalloc.start()
    for text in sent[300:]:
        check.check(text.decode(), keys.get, NOW)
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.75 < taken / 300 / entry_bytes(sent[0].decode()) <= 1


def test_a_cache_of_no_bytes_keeps_nothing(issuer: TestIssuer) -> None:
    """0 switches the cache off."""
    cache = TokenCache(max_bytes=0)
    cache.add("text", seen(issuer))
    assert cache.find("text") is None


def test_many_threads_may_use_one_cache(issuer: TestIssuer) -> None:
    """Nobody ever gets what was kept for another text, and the bound holds."""
    entries = {str(number): seen(issuer) for number in range(20)}
    cache, wrong = TokenCache(max_bytes=8 * entry_bytes("0")), []

    def use(seed: int) -> None:
        for step in range(3000):
            text = str((seed * 7 + step * 13) % 20)
            found = cache.find(text)
            if found is not None and found is not entries[text]:
                wrong.append(text)
            cache.add(text, entries[text])
            if step % 17 == 0:
                cache.discard(text)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(cache) <= 8
