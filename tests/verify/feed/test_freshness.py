"""REF-17: how old a view is, when clocks differ and when somebody sends old pages."""

import logging

import pytest

from keyturn.verify.feed.freshness import Freshness

NOW = 1_800_000_000.0


@pytest.fixture
def freshness() -> Freshness:
    """Return one with the usual bounds, before its first page."""
    return Freshness(max_age=10, leeway=5)


def test_without_a_page_a_view_never_counts(freshness: Freshness) -> None:
    """Fail closed."""
    assert freshness.until < 0
    assert not freshness.began


@pytest.mark.parametrize("clock_of_the_issuer", [-5, -3, 0, 3, 5])
def test_clocks_that_differ_within_the_leeway_are_no_age(freshness: Freshness, clock_of_the_issuer: int) -> None:
    """A page that is just made counts for max_age from now."""
    freshness.confirm(NOW + clock_of_the_issuer, NOW)
    assert freshness.until == NOW + 10


def test_a_page_that_was_long_under_way_counts_less(freshness: Freshness) -> None:
    """It is old when it comes."""
    freshness.confirm(NOW - 8, NOW)
    assert freshness.until == NOW - 8 + 5 + 10
    assert not Freshness(max_age=10, leeway=5).confirm(NOW - 60, NOW)


def test_the_same_page_again_makes_nothing_fresh(freshness: Freshness) -> None:
    """Neither the last one, nor one from before."""
    freshness.confirm(NOW, NOW)
    for iat in (NOW, NOW - 1):
        freshness.confirm(iat, NOW + 4)
    assert freshness.until == NOW + 10


def test_a_page_from_the_future_makes_nothing_fresh(freshness: Freshness) -> None:
    """Else it could be sent again until its time has come; and the next honest one counts."""
    freshness.confirm(NOW + 3600, NOW)
    assert not freshness.began
    freshness.confirm(NOW, NOW)
    assert freshness.until == NOW + 10


def test_a_clock_that_is_put_back_extends_nothing(freshness: Freshness) -> None:
    """The view counts for max_age at most, and honest pages count again soon."""
    freshness.confirm(NOW, NOW)
    freshness.limit(NOW - 3600)
    assert freshness.until == NOW - 3590
    freshness.confirm(NOW - 3595, NOW - 3595)  # it may have been seen before
    assert freshness.until == NOW - 3590
    freshness.confirm(NOW - 3594, NOW - 3594)
    assert freshness.until == NOW - 3584


def test_the_log_says_once_that_it_is_stale_and_once_that_it_is_fresh(
    freshness: Freshness, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever reads the log of an outage reads two lines."""
    with caplog.at_level(logging.INFO, "keyturn"):
        freshness.confirm(NOW, NOW)
        for seconds in (9, 10, 11, 12):
            freshness.tell_if_stale(NOW + seconds)
        for seconds in (20, 21, 22):
            freshness.confirm(NOW + seconds, NOW + seconds)
    assert [record.message.split()[-3:] for record in caplog.records] == [["than", "10", "s"], ["is", "fresh", "again"]]


def test_a_view_is_stale_from_its_last_second_on(freshness: Freshness, caplog: pytest.LogCaptureFixture) -> None:
    """And one that is confirmed up to right now is not fresh again."""
    freshness.confirm(NOW, NOW)
    freshness.tell_if_stale(NOW + 9.999)
    assert caplog.records == []
    freshness.tell_if_stale(NOW + 10)
    freshness.confirm(NOW + 5, NOW + 20)
    assert freshness.until == NOW + 20
    assert len(caplog.records) == 1
    freshness.confirm(NOW + 6, NOW + 20)
    assert len(caplog.records) == 2


def test_a_forked_process_tells_of_its_own_view(freshness: Freshness, caplog: pytest.LogCaptureFixture) -> None:
    """Although its parent has told of its own, and some thread of it held the lock."""
    freshness.tell_if_stale(NOW)
    freshness._lock.acquire()
    freshness.forget()
    freshness.tell_if_stale(NOW)
    assert len(caplog.records) == 2
