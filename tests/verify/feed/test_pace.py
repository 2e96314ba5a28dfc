"""How often a feed is asked."""

import pytest

from keyturn.verify.feed.pace import GAP, IDLE_GAP, MAX_RETRY, Pace, retry_after
from keyturn.verify.revocations import Revocations


@pytest.mark.parametrize(("max_age", "wait"), [(2, 1), (10, 5), (59, 29), (60, 30), (3600, 30)])
def test_an_idle_feed_answers_twice_before_the_view_is_too_old(max_age: float, wait: int) -> None:
    """REF-17: and a question that is lost leaves time for another."""
    pace = Pace.of(Revocations(max_age=max_age))
    assert pace.wait == wait
    assert pace.wait + pace.grace < max_age


def test_a_poll_holds_no_question() -> None:
    """It asks at its interval, news or not."""
    pace = Pace.of(Revocations(interval=3))
    assert pace.wait == 0
    assert {pace.pause(waited=0, took=took, news=news) for took in (0, 2) for news in (True, False)} == {3}


def test_a_feed_that_does_not_wait_is_not_asked_without_pause() -> None:
    """News comes in handfuls; and no server that answers at once is run over."""
    pace = Pace.of(Revocations())
    assert pace.pause(waited=5, took=0.01, news=True) == GAP
    assert pace.pause(waited=0, took=0.01, news=False) == GAP
    assert pace.pause(waited=5, took=0.01, news=False) == pytest.approx(IDLE_GAP, abs=0.02)
    assert pace.pause(waited=5, took=5, news=False) == GAP


def test_retries_become_rarer_and_stay_within_two_seconds() -> None:
    """For ever, and not all verifiers at once."""
    for failures, longest in ((1, 0.2), (2, 0.4), (3, 0.8), (4, 1.6)):
        pauses = [retry_after(failures) for _ in range(200)]
        assert longest / 2 <= min(pauses) < max(pauses) <= longest
        assert max(pauses) > 0.9 * longest
    for failures in (5, 6, 100, 10_000):
        assert MAX_RETRY / 2 <= retry_after(failures) <= MAX_RETRY
    assert len({retry_after(9) for _ in range(10)}) > 1
