"""Pages in, a view out; and a page that is not in order changes nothing. No network here."""

import json
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from keyturn.errors import InvalidToken, InvalidTokenReason
from keyturn.testing import TestIssuer
from keyturn.tokens import jws, revocation_feed
from keyturn.tokens.access_token import Expected
from keyturn.tokens.algorithms import ASYMMETRIC, Algorithm
from keyturn.tokens.key_set import parse_key_set
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.revocation import RevocationEntry, RevocationKind, digest
from keyturn.tokens.revocation_feed import Page
from keyturn.verify.feed.intake import FeedIntake, PageRefused
from keyturn.verify.key_source import FixedKeys, Keys

ISSUER = TestIssuer()
KEY = ISSUER._keys[0]
ALGORITHMS = frozenset(Algorithm(name) for name in ASYMMETRIC)
EXPECTED = Expected(issuer=ISSUER.issuer, audiences=frozenset({"a"}), algorithms=ALGORITHMS, leeway=5)
NOW = 1_800_000_000


class Clock:
    """Epoch seconds that a test moves."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands."""
    return Clock()


@pytest.fixture
def make(clock: Clock) -> Callable[..., FeedIntake]:
    """Return what makes an intake."""

    def intake(keys: Any = None, max_entries: int = 1000) -> FeedIntake:
        source = keys or FixedKeys(ISSUER.jwks, algorithms=ALGORITHMS)
        return FeedIntake(keys=source, expected=EXPECTED, max_age=10, max_entries=max_entries, clock=clock)

    return intake


def entry(seq: int, *, lasts: int = 600, kind: RevocationKind = RevocationKind.SID, value: str = "") -> RevocationEntry:
    """Return the revocation of session *seq*, or of *value*."""
    named = digest(kind, value or str(seq))
    return RevocationEntry(seq=seq, kind=kind, digest=named, before=None, expires_at=NOW + lasts)


def page(*entries: RevocationEntry, seq: int = 0, more: bool = False, iat: int = NOW, after: int | None = None) -> Page:
    """Return a page."""
    seq = seq or max((each.seq for each in entries), default=0)
    return Page(issuer=ISSUER.issuer, issued_at=iat, seq=seq, more=more, entries=entries, after=after)


def signed(*entries: RevocationEntry, **rest: Any) -> str:
    """Return a page as the issuer signs it."""
    return revocation_feed.sign(page(*entries, **rest), KEY)


async def test_a_snapshot_and_what_follows_are_added(make: Callable[..., FeedIntake], clock: Clock) -> None:
    """Contract §5: the verifier only adds; the next question is asked from the last page's end."""
    intake = make()
    assert intake.after is None
    await intake.take(signed(entry(1), entry(2), seq=7))
    clock.now += 1
    await intake.take(signed(entry(9), iat=NOW + 1))
    assert (len(intake.view), intake.after, intake.is_fresh) == (3, 9, True)


async def test_a_snapshot_without_an_entry_takes_none_out(make: Callable[..., FeedIntake], clock: Clock) -> None:
    """Contract §5: an entry leaves at its own time alone."""
    intake = make()
    await intake.take(signed(entry(5, lasts=600), entry(6, lasts=60)))
    await intake.take(signed(seq=7))
    intake.tick()
    assert len(intake.view) == 2
    clock.now += 60
    await intake.take(signed(seq=8, iat=NOW + 60))
    intake.tick()
    assert len(intake.view) == 1


async def test_a_clock_that_is_wrong_for_a_while_takes_no_entry_out(
    make: Callable[..., FeedIntake], clock: Clock
) -> None:
    """Contract §5: what was revoked is refused again once the clock is right, although nobody tells of it twice."""
    intake = make()
    await intake.take(signed(entry(5)))
    clock.now += 7200
    await intake.take(signed(seq=6, iat=NOW + 1))
    intake.tick()
    clock.now -= 7200
    assert len(intake.view) == 1


async def test_a_feed_that_says_more_has_not_said_all(make: Callable[..., FeedIntake]) -> None:
    """A view counts once the last page of a run is in."""
    intake = make()
    assert (await intake.take(signed(entry(1), more=True))).more
    assert not intake.is_fresh
    await intake.take(signed(entry(2)))
    assert intake.is_fresh


async def test_a_feed_that_was_rolled_back_is_followed_from_there(make: Callable[..., FeedIntake]) -> None:
    """Its entries are added to what was known."""
    intake = make()
    await intake.take(signed(entry(100)))
    await intake.take(signed(entry(40), entry(50)))
    assert (intake.after, len(intake.view)) == (50, 3)


async def test_two_copies_of_a_store_in_turn_bring_no_news(make: Callable[..., FeedIntake]) -> None:
    """Each would send its snapshot to who has seen the other; so they are not asked again at once."""
    intake = make()
    assert [(await intake.take(signed(seq=seq))).news for seq in (10, 11, 10, 12, 12)] == [
        False,
        True,
        False,
        True,
        False,
    ]


async def test_the_answer_to_another_question_is_refused(make: Callable[..., FeedIntake]) -> None:
    """A cache that keeps answers by their path alone hands out the newest page, which lacks all that came before."""
    intake = make()
    with pytest.raises(PageRefused):
        await intake.take(signed(seq=90, after=90))
    assert (intake.after, intake.is_fresh) == (None, False)
    await intake.take(signed(entry(40), seq=50, after=0))
    with pytest.raises(PageRefused):
        await intake.take(signed(seq=90, after=60))
    await intake.take(signed(entry(60), seq=90, after=40))
    assert (intake.after, len(intake.view)) == (90, 2)


async def test_a_feed_that_leads_in_a_circle_is_refused(make: Callable[..., FeedIntake]) -> None:
    """Whoever says more must get somewhere, else we would ask without end."""
    intake = make()
    await intake.take(signed(entry(5)))
    with pytest.raises(PageRefused):
        await intake.take(signed(entry(5), more=True))
    await intake.take(signed(entry(3), more=True))
    with pytest.raises(PageRefused):
        await intake.take(signed(entry(2), more=True))
    with pytest.raises(PageRefused):
        await make_circle(intake)
    assert len(intake.view) == 2


async def make_circle(intake: FeedIntake) -> None:
    """Say more three times, forth and back."""
    for seq in (5, 3, 5):
        await intake.take(signed(entry(seq), more=True))


def _other_type() -> str:
    claims = {"iss": ISSUER.issuer, "iat": NOW, "seq": 9, "more": False, "entries": []}
    return jws.sign({"typ": "at+jwt"}, json.dumps(claims).encode(), KEY)


BAD = {
    "malformed": lambda: "a.b.c",
    "bad_signature": lambda: (text := signed(entry(9)))[:-8] + ("AAAAAAAA" if text[-8:] != "AAAAAAAA" else "BBBBBBBB"),
    "unknown_key": lambda: revocation_feed.sign(page(entry(9)), SigningKey.generate(Algorithm.ES256)),
    "wrong_issuer": lambda: revocation_feed.sign(replace(page(entry(9)), issuer="https://other.test"), KEY),
    "wrong_type": _other_type,
    "bad_claim": lambda: revocation_feed.sign(page(entry(9), entry(8), seq=9), KEY),
}


@pytest.mark.parametrize("reason", BAD)
async def test_a_page_that_is_not_the_issuers_changes_nothing(make: Callable[..., FeedIntake], reason: str) -> None:
    """REF-16: the last good view is kept, and ages."""
    intake = make()
    await intake.take(signed(entry(1)))
    until = intake.freshness.until
    with pytest.raises(InvalidToken) as refusal:
        await intake.take(BAD[reason]())
    assert refusal.value.reason == InvalidTokenReason(reason)
    assert (len(intake.view), intake.after, intake.freshness.until) == (1, 1, until)


async def test_a_revoked_key_signs_no_page(make: Callable[..., FeedIntake]) -> None:
    """Its thief could keep the next revocation from us."""
    intake = make()
    await intake.take(signed(entry(1, kind=RevocationKind.KID, value=KEY.kid)))
    with pytest.raises(InvalidToken) as refusal:
        await intake.take(signed(entry(2)))
    assert refusal.value.reason == InvalidTokenReason.UNKNOWN_KEY


async def test_an_unknown_key_is_asked_for_at_once(make: Callable[..., FeedIntake]) -> None:
    """The key may have replaced a stolen one a moment ago."""
    new = SigningKey.generate(Algorithm.ES256)

    class Renewing(FixedKeys):
        async def get_newest_async(self, _keys: Keys) -> Keys | None:
            return {new.kid: new.public}

    intake = make(Renewing(ISSUER.jwks, algorithms=ALGORITHMS))
    stolen = entry(1, kind=RevocationKind.KID, value=KEY.kid)
    await intake.take(revocation_feed.sign(page(stolen), new))
    assert intake.view.revokes_key(KEY.kid)
    assert KEY.kid in parse_key_set(ISSUER.jwks, algorithms=ALGORITHMS)


async def test_a_replayed_page_does_not_look_fresh(make: Callable[..., FeedIntake], clock: Clock) -> None:
    """REF-16: what it revokes counts all the same."""
    intake = make()
    old = signed(entry(1), seq=1)
    await intake.take(signed(entry(2)))
    clock.now += 9
    await intake.take(old)
    clock.now += 1
    assert (intake.is_fresh, len(intake.view)) == (False, 2)


async def test_a_full_view_takes_nothing_more_and_gets_too_old(make: Callable[..., FeedIntake], clock: Clock) -> None:
    """Memory has a bound, and beyond it we fail closed; entries whose time has come make room."""
    intake = make(max_entries=2)
    await intake.take(signed(entry(1, lasts=30), entry(2)))
    clock.now += 11
    with pytest.raises(PageRefused, match="max_entries"):
        await intake.take(signed(entry(3), iat=NOW + 11))
    assert (len(intake.view), intake.after, intake.is_fresh) == (2, 2, False)
    clock.now += 20
    await intake.take(signed(entry(3), iat=NOW + 31))
    assert (len(intake.view), intake.is_fresh) == (2, True)


@pytest.mark.slow
async def test_an_entry_takes_the_memory_that_is_stated(make: Callable[..., FeedIntake]) -> None:
    """As :class:`Revocations` says: about 170 bytes."""
    intake = make(max_entries=100_000)
    pages = [
        signed(*(entry(seq, lasts=seq // 20) for seq in range(start, start + 10_000)), iat=int(time.time()))
        for start in range(1, 40_000, 10_000)
    ]
    tracemalloc.start()
    for text in pages:
        await intake.take(text)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 100 < size / len(intake.view) < 187


@pytest.mark.parametrize("more", [True, False])
async def test_a_feed_that_stands_within_a_run_may_go_back_afterwards(
    make: Callable[..., FeedIntake], more: bool
) -> None:
    """It said that there is more and had none: the run is over, and what it tells next counts again."""
    intake = make()
    await intake.take(signed(entry(5), more=True))
    with pytest.raises(PageRefused, match="goes nowhere"):
        await intake.take(signed(entry(5), more=more))
    await intake.take(signed(entry(3)))
    assert (intake.after, intake.is_fresh) == (3, True)


async def test_the_first_page_begins_at_the_beginning(make: Callable[..., FeedIntake]) -> None:
    """One that begins at the first place lacks what stands there."""
    intake = make()
    with pytest.raises(PageRefused, match="another question"):
        await intake.take(signed(entry(2), after=1))
    await intake.take(signed(entry(2), after=0))
    assert intake.after == 2
