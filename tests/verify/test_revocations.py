"""The description of a feed that is followed: what it may say."""

import math
from typing import Any

import pytest

from keyturn import Revocations, Verifier
from keyturn.errors import ConfigurationError
from keyturn.testing import TestIssuer


def test_the_defaults_are_those_of_the_contract() -> None:
    """Contract §6: ten seconds, and reject; by long poll."""
    described = Revocations()
    assert (described.max_age, described.on_stale, described.interval) == (10, "reject", None)
    assert described == Revocations(max_age=10, on_stale="reject")


@pytest.mark.parametrize(
    "described",
    [
        {"max_age": 1.9},
        {"max_age": 3601},
        {"max_age": math.nan},
        {"max_age": math.inf},
        {"max_age": "10"},
        {"max_age": True},
        {"on_stale": "acept"},
        {"on_stale": None},
        {"interval": 10},
        {"interval": 0},
        {"interval": 0.05},
        {"interval": math.nan},
        {"interval": "1"},
        {"max_entries": 0},
        {"max_entries": 1.5},
    ],
)
def test_a_description_that_makes_no_sense_is_not_made(described: dict[str, Any]) -> None:
    """It stops where it is written."""
    with pytest.raises(ConfigurationError, match=r"^revocations: "):
        Revocations(**described)


@pytest.mark.parametrize(
    "described",
    [{"max_age": 2}, {"max_age": 3600}, {"interval": 0.1}, {"interval": 5, "max_age": 11}, {"max_entries": 1}],
)
def test_the_bounds_themselves_make_sense(described: dict[str, Any]) -> None:
    """Contract §6."""
    made = Revocations(**described)
    assert {name: getattr(made, name) for name in described} == described


@pytest.mark.parametrize(
    "url", ["http://feed.example/revocations", "ftp://a.test/x", "/revocations", "https://u@a.test"]
)
def test_a_feed_is_followed_through_tls_or_on_this_machine(url: str) -> None:
    """The rules are those of the keys."""
    with pytest.raises(ConfigurationError, match="revocations url"):
        Verifier("https://a.test", "b", revocations=Revocations(url=url))


@pytest.mark.parametrize(
    ("issuer", "named", "expected"),
    [
        ("https://a.test", None, "https://a.test/revocations"),
        ("https://a.test/auth/", None, "https://a.test/auth/revocations"),
        ("https://a.test", "https://cdn.test/feed", "https://cdn.test/feed"),
        ("https://a.test", "http://127.0.0.1:9/feed", "http://127.0.0.1:9/feed"),
    ],
)
def test_the_feed_is_below_the_issuer_unless_named(issuer: str, named: str | None, expected: str) -> None:
    """Contract §5."""
    verifier = Verifier(issuer, "b", revocations=Revocations(url=named))
    assert verifier._feed is not None
    assert verifier._feed._url == expected


def test_one_description_serves_several_verifiers() -> None:
    """Each has a view of its own."""
    described = Revocations()
    one, other = (Verifier("https://a.test", "b", revocations=described) for _ in range(2))
    assert one._feed is not other._feed


def test_a_list_of_ones_own_is_still_taken() -> None:
    """It answers for its own age, and nothing is fetched."""

    class Everything:
        def revokes(self, _token: object, _now: float) -> bool:
            return True

    issuer = TestIssuer()
    verifier = issuer.verifier(revocations=Everything())
    assert verifier._feed is None
    with pytest.raises(Exception, match="revoked"):
        verifier.verify(issuer.make_token())
