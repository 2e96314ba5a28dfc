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
    assert closed[1] == "aclose"
