"""The verifier as an API uses it: against a real web server, and without one."""

import asyncio
import concurrent.futures
import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from keyturn import InvalidToken, TokenExpired, Verifier, VerifierUnavailable
from keyturn.errors import ConfigurationError, InvalidKey, InvalidTokenReason
from keyturn.testing import TestIssuer
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey
from keyturn.verify.key_cache import KeyCache

AUDIENCE = "https://api.test"


def published(issuer: TestIssuer) -> bytes:
    """Return what *issuer* serves."""
    return json.dumps(issuer.jwks).encode()


@pytest.fixture
def issuer(web: Any, answering: Any) -> TestIssuer:
    """Return an issuer whose key set is served on loopback."""
    issuer = TestIssuer(issuer=web.url, audience=AUDIENCE)
    web.behave = answering(published(issuer))
    return issuer


def skip_time(verifier: Verifier, seconds: float) -> None:
    """Move the clock of the key cache."""
    keys = verifier._keys
    assert isinstance(keys, KeyCache)
    keys._clock = lambda: time.monotonic() + seconds


def test_a_token_is_verified_with_the_keys_below_the_issuer(issuer: TestIssuer, web: Any) -> None:
    """Contract §6: two arguments, and the keys are found."""
    token = Verifier(issuer.issuer, AUDIENCE).verify(issuer.make_token("ada", scopes=["a", "b"], roles=["admin"]))
    assert (token.sub, token.scopes, token.roles) == ("ada", {"a", "b"}, ("admin",))
    assert web.requests == ["/.well-known/jwks.json"]


async def test_the_async_face_gives_the_same_verdicts(issuer: TestIssuer) -> None:
    """One verifier, two ways to wait."""
    async with Verifier(issuer.issuer, AUDIENCE) as verifier:
        assert (await verifier.verify_async(issuer.make_token("ada"))).sub == "ada"
        with pytest.raises(TokenExpired):
            await verifier.verify_async(issuer.make_token(expires_in=-60))
        with pytest.raises(InvalidToken):
            await verifier.verify_async(TestIssuer(issuer.issuer, AUDIENCE).make_token())


def test_one_verifier_serves_threads_and_loops_alike(issuer: TestIssuer, web: Any) -> None:
    """KEY-05: they share keys and one fetch."""
    verifier, text = Verifier(issuer.issuer, AUDIENCE), issuer.make_token("ada")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        threads = [pool.submit(verifier.verify, text) for _ in range(32)]
        loops = [pool.submit(lambda: asyncio.run(verifier.verify_async(text))) for _ in range(4)]
    assert {done.result().sub for done in threads + loops} == {"ada"}
    assert len(web.requests) == 1


def test_rotation_refuses_no_good_token(issuer: TestIssuer, web: Any, answering: Any) -> None:
    """KEY-04: old tokens and new ones, before and after."""
    with Verifier(issuer.issuer, AUDIENCE) as verifier:
        old = issuer.make_token("old")
        verifier.verify(old)
        issuer.rotate()
        web.behave = answering(published(issuer))
        skip_time(verifier, 31)
        assert [verifier.verify(text).sub for text in (old, issuer.make_token("new"))] == ["old", "new"]


def test_an_emergency_revocation_of_a_key_reaches_seen_tokens(issuer: TestIssuer, web: Any, answering: Any) -> None:
    """KEY-04, A33: within the freshness of the set, a key that is gone takes its tokens along."""
    verifier, text = Verifier(issuer.issuer, AUDIENCE), issuer.make_token()
    verifier.verify(text)
    issuer.rotate()
    issuer.withdraw_old_keys()
    web.behave = answering(published(issuer))
    skip_time(verifier, 601)
    with pytest.raises(InvalidToken) as refusal:
        verifier.verify(text)
    assert refusal.value.reason is InvalidTokenReason.UNKNOWN_KEY


def _bad_sets() -> dict[str, dict[str, Any]]:
    good = SigningKey.generate(Algorithm.ES256).public.to_jwk()
    return {
        "empty object": {},
        "no keys": {"keys": []},
        "keys of no list": {"keys": {}},
        "duplicate kid": {"keys": [good, good]},
        "private key": {"keys": [{**good, "d": "AAAA"}]},
        "symmetric key": {"keys": [good, {"kty": "oct", "k": "AAAA", "kid": "x", "alg": "HS256"}]},
        "no usable key": {"keys": [{"kty": "unheard of"}]},
    }


@pytest.mark.parametrize(("name", "bad"), _bad_sets().items())
def test_a_bad_set_replaces_nothing(issuer: TestIssuer, web: Any, answering: Any, name: str, bad: Any) -> None:
    """KEY-06, A32: the last good set stays, and good tokens stay good."""
    verifier = Verifier(issuer.issuer, AUDIENCE)
    verifier.verify(issuer.make_token())
    web.behave = answering(json.dumps(bad).encode())
    skip_time(verifier, 601)
    assert verifier.verify(issuer.make_token("ada")).sub == "ada"
    assert len(web.requests) == 2


def test_a_bad_set_at_first_is_no_verdict(web: Any, answering: Any) -> None:
    """KEY-06: fail closed, as unavailable."""
    web.behave = answering(b'{"keys":[]}')
    with pytest.raises(VerifierUnavailable):
        Verifier(web.url, AUDIENCE).verify(TestIssuer(web.url, AUDIENCE).make_token())


def test_a_kid_flood_is_one_fetch_and_refuses_no_good_token(issuer: TestIssuer, web: Any) -> None:
    """A31, KEY-05: forged tokens with random kids from 64 threads, a good one between them."""
    verifier, good = Verifier(issuer.issuer, AUDIENCE), issuer.make_token("ada")
    verifier.verify(good)
    skip_time(verifier, 31)
    strangers = [TestIssuer(issuer.issuer, AUDIENCE).make_token() for _ in range(64)]

    def flood(forged: str) -> int:
        refused = 0
        for _ in range(20):
            assert verifier.verify(good).sub == "ada"
            with pytest.raises(InvalidToken):
                verifier.verify(forged)
            refused += 1
        return refused

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(flood, strangers)) == 1280
    assert len(web.requests) == 2


def test_another_issuers_key_with_our_kid_gives_nothing(issuer: TestIssuer) -> None:
    """A33, A25: keys are those of the configured issuer, whatever a token says."""
    other = TestIssuer("https://other.test", AUDIENCE)
    verifier = Verifier(issuer.issuer, AUDIENCE)
    for text in (other.make_token(), other.make_token(iss=issuer.issuer)):
        with pytest.raises(InvalidToken):
            verifier.verify(text)


def test_a_fixed_key_set_needs_no_network(issuer: TestIssuer, web: Any) -> None:
    """``jwks`` is for use offline."""
    verifier = Verifier(issuer.issuer, AUDIENCE, jwks=issuer.jwks)
    verifier.verify(issuer.make_token())
    with pytest.raises(InvalidToken):
        verifier.verify(TestIssuer(issuer.issuer, AUDIENCE).make_token())
    assert web.requests == []


def test_the_client_is_the_users_to_choose(issuer: TestIssuer) -> None:
    """A proxy or a private certificate authority is a matter of httpx2's own arguments."""
    body = published(issuer)
    made = []

    def client() -> httpx2.AsyncClient:
        made.append(1)
        answer = httpx2.Response(200, content=body, headers={"content-type": "application/json"})
        return httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _request: answer))

    verifier = Verifier("https://auth.example.com", AUDIENCE, http=client)
    text = issuer.make_token("ada", iss="https://auth.example.com")
    assert verifier.verify(text).sub == "ada"
    assert made == [1]


def test_several_audiences_may_be_ours(issuer: TestIssuer) -> None:
    """VER-24: one of them, whole."""
    verifier = Verifier(issuer.issuer, ["https://one.test", AUDIENCE], jwks=issuer.jwks)
    verifier.verify(issuer.make_token())
    with pytest.raises(InvalidToken):
        verifier.verify(issuer.make_token(aud=AUDIENCE + "/"))


@pytest.mark.parametrize(
    "make",
    [
        lambda jwks: Verifier("http://auth.example.com", AUDIENCE, jwks=jwks),
        lambda jwks: Verifier("https://a.test", "", jwks=jwks),
        lambda jwks: Verifier("https://a.test", [], jwks=jwks),
        lambda jwks: Verifier("https://a.test", AUDIENCE, jwks=jwks, jwks_uri="https://a.test/keys"),
        lambda _jwks: Verifier("https://a.test", AUDIENCE, jwks_uri="http://a.test/keys"),
        lambda _jwks: Verifier("https://a.test", AUDIENCE, jwks_uri="file:///etc/keys"),
        lambda jwks: Verifier("https://a.test", AUDIENCE, jwks=jwks, algorithms=[]),
        lambda jwks: Verifier("https://a.test", AUDIENCE, jwks=jwks, algorithms="ES256"),
        lambda jwks: Verifier("https://a.test", AUDIENCE, jwks=jwks, algorithms=["none"]),
        lambda jwks: Verifier("https://a.test", AUDIENCE, jwks=jwks, algorithms=["ES256", "HS256"]),
        lambda _jwks: Verifier("https://a.test", AUDIENCE, algorithms=["HS256"]),
        lambda jwks: Verifier("https://a.test", AUDIENCE, jwks=jwks, leeway=61),
        lambda _jwks: Verifier("https://a.test", AUDIENCE, http=httpx2),  # type: ignore[arg-type]
    ],
)
def test_an_unsafe_verifier_is_not_made(make: Callable[[Any], Verifier]) -> None:
    """VER-12, VER-25, KEY-08, OPS-06: it stops where it is written, not at the first token."""
    with pytest.raises(ConfigurationError):
        make(TestIssuer().jwks)


def test_issuer_and_audience_have_no_default() -> None:
    """Contract §6."""
    with pytest.raises(TypeError):
        Verifier(issuer="https://a.test")  # type: ignore[call-arg]
    with pytest.raises(InvalidKey):
        Verifier("https://a.test", AUDIENCE, jwks={})


def test_a_refusal_shows_nothing_of_the_token(issuer: TestIssuer) -> None:
    """VER-30, A57: neither text nor traceback context nor repr."""
    verifier = Verifier(issuer.issuer, AUDIENCE, jwks=issuer.jwks)
    text = issuer.make_token(aud="other")
    with pytest.raises(InvalidToken) as refusal:
        verifier.verify(text)
    shown = f"{refusal.value} {refusal.value!r} {verifier!r} {verifier.verify(issuer.make_token())!r}"
    assert not any(part in shown for part in text.split("."))
