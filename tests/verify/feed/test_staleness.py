"""What a view that gets too old says, once, and whose keys a bad page may ask for."""

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from feed_world import follower_of

from keyturn import Revocations, Verifier
from keyturn.errors import InvalidToken, VerifierUnavailable
from keyturn.testing import TestIssuer
from keyturn.tokens import revocation_feed
from keyturn.tokens.access_token import Expected
from keyturn.tokens.algorithms import ASYMMETRIC
from keyturn.tokens.key_set import parse_key_set
from keyturn.tokens.revocation_feed import Page
from keyturn.verify.feed.freshness import Freshness
from keyturn.verify.feed.intake import FeedIntake

NOW = 1_800_000_000.0
ISSUER = TestIssuer()
OLD = "the view of what was revoked is older than 10 s"
FRESH = "the view of what was revoked is fresh again"


class Keys:
    """The issuer's keys, which count how often newer ones are asked for."""

    def __init__(self) -> None:
        self.keys = parse_key_set(ISSUER.jwks, algorithms=ASYMMETRIC)
        self.asked = 0

    async def get_keys_async(self) -> Any:
        """Return them."""
        return self.keys

    async def get_newest_async(self, keys: Any) -> None:
        """There are none."""
        self.asked += 1


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return what returns the lines of the log so far."""
    caplog.set_level(logging.WARNING, "keyturn.verify")
    return lambda: caplog.messages


def make_intake(now: list[float], keys: Any) -> FeedIntake:
    """Return an intake whose clock is *now*."""
    expected = Expected(issuer=ISSUER.issuer, audiences=frozenset({"a"}), algorithms=ASYMMETRIC, leeway=5)
    return FeedIntake(keys=keys, expected=expected, max_age=10, max_entries=10, clock=lambda: now[0])


def page(**changes: Any) -> str:
    """Return a signed page."""
    values = {"issuer": ISSUER.issuer, "issued_at": int(NOW), "seq": 1, "more": False, "entries": ()}
    return revocation_feed.sign(Page(**(values | changes)), ISSUER._keys[0])


async def test_a_view_counts_until_its_last_second_and_not_in_it() -> None:
    """REF-17: to the millisecond, whichever way a token is verified."""
    issuer, begun = TestIssuer(), float(int(time.time()))
    text, now = issuer.make_token(), [begun]
    follows = Revocations(url="http://127.0.0.1:1/feed", max_age=10)
    with Verifier(issuer.issuer, issuer.audience, jwks=issuer.jwks, revocations=follows, clock=lambda: now[0]) as made:
        feed = follower_of(made)
        feed.close()  # nobody asks it: the view is what is confirmed here
        feed.intake.freshness.confirm(begun, begun)
        now[0] = begun + 9.999
        assert made.verify(text) == await made.verify_async(text)
        now[0] = begun + 10
        with pytest.raises(VerifierUnavailable):
            made.verify(text)
        with pytest.raises(VerifierUnavailable):
            await made.verify_async(text)


def test_old_is_said_once_and_fresh_once(said: Callable[[], list[str]]) -> None:
    """REF-17: not before it is, and again only after it was fresh."""
    freshness = Freshness(max_age=10, leeway=5)
    freshness.confirm(NOW, NOW)
    assert freshness.began
    freshness.tell_if_stale(NOW + 9.9)
    assert said() == []
    freshness.tell_if_stale(NOW + 10)
    freshness.tell_if_stale(NOW + 11)
    assert said() == [OLD]
    freshness.confirm(NOW + 12, NOW + 12)
    freshness.confirm(NOW + 13, NOW + 13)
    assert said() == [OLD, FRESH]


async def test_a_tick_says_that_a_view_got_old_and_nothing_before_the_first(said: Callable[[], list[str]]) -> None:
    """REF-17: who has never had a view is told by the first token that needs one."""
    now = [NOW]
    intake = make_intake(now, Keys())
    intake.tick()
    assert said() == []
    await intake.take(page())
    now[0] += 11
    intake.tick()
    assert said() == [OLD]


async def test_only_a_page_of_an_unknown_key_asks_for_newer_keys() -> None:
    """KEY-05: a page that is bad in any other way is refused without a fetch."""
    keys = Keys()
    intake = make_intake([NOW], keys)
    for bad in ("a.b.c", page(issuer="https://other.example"), page()[:-4] + "AAAA"):
        with pytest.raises(InvalidToken):
            await intake.take(bad)
    assert keys.asked == 0

    stranger = revocation_feed.sign(
        Page(issuer=ISSUER.issuer, issued_at=int(NOW), seq=1, more=False, entries=()), TestIssuer()._keys[0]
    )
    with pytest.raises(InvalidToken):
        await intake.take(stranger)
    assert keys.asked == 1


async def test_a_tick_minds_a_clock_that_was_put_back() -> None:
    """REF-17: a view counts for max_age by the clock as it is now, however late it was when the page came."""
    now = [NOW]
    intake = make_intake(now, Keys())
    await intake.take(page())
    assert intake.freshness.until == NOW + 10
    now[0] -= 100
    intake.tick()
    assert intake.freshness.until == NOW - 90
