"""What makes a verifier ask its issuer, and what a setting of the feed may be."""

from typing import Any

import pytest

from keyturn import InvalidToken, Revocations, Verifier
from keyturn.errors import ConfigurationError
from keyturn.testing import TestIssuer


@pytest.mark.parametrize("how", ["verify", "verify_async"])
async def test_only_an_unknown_kid_asks_for_newer_keys(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """KEY-05: a token that is bad in any other way costs the issuer nothing, or every stranger could make us ask."""
    issuer, stranger = TestIssuer(), TestIssuer()
    verifier = Verifier(issuer.issuer, issuer.audience, jwks=issuer.jwks)
    asked: list[object] = []

    async def ask_async(keys: object) -> None:
        asked.append(keys)

    monkeypatch.setattr(type(verifier._keys), "get_newer", lambda _self, keys: asked.append(keys))
    monkeypatch.setattr(type(verifier._keys), "get_newer_async", lambda _self, keys: ask_async(keys))

    async def refuse(text: str) -> None:
        with pytest.raises(InvalidToken):
            verifier.verify(text) if how == "verify" else await verifier.verify_async(text)

    good = issuer.make_token("ada")
    for bad in (good[:-4] + "AAAA", "a.b.c", issuer.make_token("ada", expires_in=-3600)):
        await refuse(bad)
    assert asked == []
    await refuse(stranger.make_token("ada"))
    assert len(asked) == 1


@pytest.mark.parametrize("value", [True, False, float("nan"), float("inf"), "5", 0, -1])
@pytest.mark.parametrize("name", ["max_age", "interval"])
def test_a_time_of_the_feed_is_a_number_within_its_bounds(name: str, value: Any) -> None:
    """REF-17: neither a flag, though Python counts it as 1, nor what is not finite."""
    with pytest.raises(ConfigurationError):
        Revocations(**{name: value})


async def test_a_verifier_is_closed_at_the_end_of_its_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is entered from a thread or from a task."""
    issuer = TestIssuer()
    closed: list[str] = []
    whole = Verifier.close, Verifier.aclose

    async def aclose(self: Verifier) -> None:
        closed.append("aclose")
        await whole[1](self)

    monkeypatch.setattr(Verifier, "close", lambda self: (closed.append("close"), whole[0](self)))
    monkeypatch.setattr(Verifier, "aclose", aclose)
    with Verifier(issuer.issuer, issuer.audience, jwks=issuer.jwks):
        assert closed == []
    assert closed == ["close"]
    async with Verifier(issuer.issuer, issuer.audience, jwks=issuer.jwks):
        assert closed == ["close"]
    assert closed == ["close", "aclose", "close"]


@pytest.mark.parametrize("how", ["verify", "verify_async"])
async def test_a_key_that_is_new_is_found(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """KEY-05: the keys that an unknown kid asked for verify its token, and nothing else is asked."""
    old, new = TestIssuer(), TestIssuer()
    verifier = Verifier(old.issuer, old.audience, jwks=old.jwks)
    newer = Verifier(new.issuer, new.audience, jwks=new.jwks)._keys.get_keys()

    async def get_newer_async(_self: object, _keys: object) -> object:
        return newer

    monkeypatch.setattr(type(verifier._keys), "get_newer", lambda _self, _keys: newer)
    monkeypatch.setattr(type(verifier._keys), "get_newer_async", get_newer_async)
    text = new.make_token("ada")
    token = verifier.verify(text) if how == "verify" else await verifier.verify_async(text)
    assert token.sub == "ada"


def test_a_closed_verifier_fetches_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has of them serves on."""
    issuer = TestIssuer()
    verifier = Verifier(issuer.issuer, issuer.audience, jwks=issuer.jwks)
    closed: list[None] = []
    monkeypatch.setattr(type(verifier._keys), "close", lambda _self: closed.append(None))
    verifier.close()
    assert len(closed) == 1
    assert verifier.verify(issuer.make_token("ada")).sub == "ada"


def test_keys_come_from_one_place() -> None:
    """KEY-08: from a set, from a URL or from the issuer, and never from two."""
    issuer = TestIssuer()
    with pytest.raises(ConfigurationError):
        Verifier(issuer.issuer, issuer.audience, jwks=issuer.jwks, jwks_uri="https://keys.example/jwks")
    assert Verifier(issuer.issuer, issuer.audience, jwks_uri="https://keys.example/jwks")


@pytest.mark.parametrize("algorithms", [[], ["ES256", "none"], ["HS256", "ES256"], [None]])
def test_algorithms_are_a_list_of_names(algorithms: Any) -> None:
    """VER-07: a text by itself would be taken letter by letter."""
    issuer = TestIssuer()
    with pytest.raises(ConfigurationError):
        Verifier(issuer.issuer, issuer.audience, jwks=issuer.jwks, algorithms=algorithms)


def test_a_name_by_itself_is_no_list_of_names() -> None:
    """VER-07: and the message says what to write."""
    issuer = TestIssuer()
    with pytest.raises(ConfigurationError, match="give a list of names"):
        Verifier(issuer.issuer, issuer.audience, jwks=issuer.jwks, algorithms="ES256")
