"""The limits of the SDK, as the guides and the contract state them: a test that imports a limit would follow it."""

from keyturn import Verifier
from keyturn.verify import fetch, key_cache, revocations, token_cache
from keyturn.verify.cookie import SAFE_METHODS
from keyturn.verify.feed import follower, pace


def test_a_fetch_is_bounded() -> None:
    """KEY-06: five seconds, 256 KiB, and a freshness of one to ten minutes whatever the answer says."""
    assert (fetch.DEADLINE, fetch.MAX_BYTES) == (5, 262_144)
    assert (fetch.MIN_FRESH, fetch.DEFAULT_FRESH, fetch.MAX_FRESH) == (60, 600, 600)


def test_keys_are_fetched_seldom_and_kept_for_an_hour() -> None:
    """KEY-05: half a minute between two fetches, a second where the issuer itself names the key."""
    assert (key_cache.COOLDOWN, key_cache.HASTY_COOLDOWN, key_cache.MAX_STALE) == (30, 1, 3600)
    assert (key_cache._GRACE, token_cache.DEFAULT_MAX_BYTES) == (0.25, 33_554_432)


def test_a_feed_is_asked_at_this_pace() -> None:
    """REF-16: contract §5."""
    assert (revocations.MIN_MAX_AGE, revocations.MAX_MAX_AGE, revocations.MIN_INTERVAL) == (2, 3600, 0.1)
    assert revocations.Revocations().max_entries == 5_000_000
    assert (pace.MAX_WAIT, pace.FIRST_RETRY, pace.MAX_RETRY) == (30, 0.2, 2)
    assert (pace.GAP, pace.IDLE_GAP, pace.GRACE, follower.PATIENCE) == (0.05, 0.5, 5, 3)


def test_clocks_may_differ_by_five_seconds() -> None:
    """Contract §6: unless an API says otherwise."""
    assert Verifier("https://a.test", "b").expected.leeway == 5


def test_a_request_that_changes_nothing_is_one_of_four() -> None:
    """RFC 9110 §9.2.1."""
    assert sorted(SAFE_METHODS) == ["GET", "HEAD", "OPTIONS", "TRACE"]
