"""The limits of the rules, as the guides and the contract state them: a test that imports a limit would follow it."""

from keyturn.core import audit, audit_check, denylist, feed, issue, policy, prune, ratelimit, sealer, usernames


def test_sessions_and_revocations_are_bounded() -> None:
    """A hundred sessions a user; a revocation is kept for an hour and a minute, as long as anybody takes its token."""
    assert policy.MAX_SESSIONS_PER_USER == 100
    assert policy.LONGEST_USE == policy.REVOCATION_LIFETIME == 3660
    assert policy.JWKS_MAX_AGE == 300
    assert policy.KeyPolicy.__dataclass_fields__["keep_retired"].default == 4260


def test_the_feed_is_bounded() -> None:
    """Contract §5: half a minute's wait for a thousand at once; beyond that the answer is immediate."""
    assert (feed.BEFORE_ALL, feed.MAX_WAIT, feed.MAX_WAITING) == (-1, 30, 1000)
    assert (feed.MAX_KEPT, feed.MANY, feed.MAX_LONG) == (32, 500, 16)


def test_no_request_waits_long_for_another() -> None:
    """Batches are short, a cut-off is waited for five seconds, and a clock that is set back locks for a minute."""
    assert (prune.BATCH, denylist.BATCH, issue.MAX_WAIT) == (200, 10_000, 5)
    assert (ratelimit.CLOCK_STEP_US, usernames.MAX_LENGTH) == (60_000_000, 254)


def test_the_audit_log_is_sealed_each_second_and_read_in_pages() -> None:
    """Who does not know the newest seal's key waits ten minutes; an unsealed entry is a finding after one."""
    assert (sealer.EVERY_SECONDS, sealer._TURN_MS, sealer.BATCH, sealer.OTHERS_MS) == (1, 900, 500, 600_000)
    assert (audit_check.PATIENCE_MS, audit_check.PAGE, audit_check.SEALS) == (60_000, 1000, 100)
    assert (audit_check.MOST_STRAYS, audit_check.MOST_CHANGED) == (1000, 100_000)
    assert (audit.WINDOW, audit.SKEW_MS) == (10_000, 3_600_000)
