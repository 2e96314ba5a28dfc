"""The follower's thread: one at a time, nobody waits for one that has ended, and a fork begins anew."""

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from feed_world import Feed, eventually, follower_of, shifted

from keyturn import Verifier
from keyturn.errors import VerifierUnavailable
from keyturn.verify.feed.follower import FeedFollower, _forget_threads, _Run

Following = Callable[..., Verifier]


def test_one_thread_at_a_time_takes_pages_in(feed: Feed, following: Following) -> None:
    """A start right after a stop waits for the thread before, however long its client takes to go."""
    follower = follower_of(following(interval=0.1))
    slow, begun = threading.Event(), []

    def hold_up(**_options: Any) -> Any:
        begun.append(threading.current_thread())
        slow.wait(20)
        raise OSError("no client after all")

    follower._new_client = hold_up
    follower.start()
    eventually(lambda: len(begun) == 1)
    follower.stop()
    follower.start()
    time.sleep(0.2)
    assert len(begun) == 1

    slow.set()
    eventually(lambda: len(set(begun)) == 2)
    follower.close()


def test_nobody_waits_for_a_thread_that_has_ended(feed: Feed, following: Following) -> None:
    """Who waits for the first view is let go when there will be none."""
    follower = follower_of(following())
    begun, slow = threading.Event(), threading.Event()

    def hold_up(**_options: Any) -> Any:
        begun.set()
        slow.wait(20)
        raise OSError("no client")

    follower._new_client = hold_up
    follower.start()
    assert begun.wait(20)
    run = follower._run
    follower.close()
    slow.set()
    assert run is not None
    assert run.fresh.result(20) is None
    eventually(lambda: run.patience_left() == 0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_followed_by_another(feed: Feed, following: Following) -> None:
    """Whatever the client of an app raised in it."""
    follower = follower_of(following())
    begun = []

    def die(**_options: Any) -> Any:
        begun.append(threading.current_thread())
        raise SystemExit

    follower._new_client = die
    follower.start()
    run = follower._run
    assert run is not None
    eventually(lambda: run.over)
    follower.start()
    eventually(lambda: len(set(begun)) == 2)


def test_the_second_failure_in_a_row_is_logged(
    feed: Feed, following: Following, caplog: pytest.LogCaptureFixture
) -> None:
    """Not the first, which is a server that was restarted, and no later one; and a new start counts anew."""
    follower = follower_of(following())
    tries, logged = [], []

    def fail(**_options: Any) -> Any:
        logged.append(len(caplog.records))
        tries.append(None)
        raise OSError("down")

    follower._new_client = fail
    for _ in range(2):
        tried = len(tries)
        lines = len(caplog.records)
        follower.start()
        eventually(lambda tried=tried: len(tries) >= tried + 4)
        follower.stop()
        run = follower._run
        assert run is not None
        assert run.thread is not None
        run.thread.join(20)
        assert logged[tried : tried + 4] == [lines, lines, lines + 1, lines + 1]


@pytest.mark.parametrize(
    ("outages", "lines"), [([2, 1, 2], [1, 2, 2, 2, 3, 4]), ([1, 2, 1], [0, 0, 1, 2, 2, 2]), ([3], [1, 2])]
)
def test_a_success_ends_an_outage(outages: list[int], lines: list[int], caplog: pytest.LogCaptureFixture) -> None:
    """It is logged if the outage was, and failures are counted anew."""
    intake: Any = SimpleNamespace(tick=lambda: None)
    pace: Any = None
    follower = FeedFollower(intake, url="http://127.0.0.1:1", pace=pace, new_client=None)
    told = []
    for failures in outages:
        for _ in range(failures):
            follower._note_failure(OSError("down"))
        told.append(len(caplog.records))
        follower._note_success()
        told.append(len(caplog.records))
    assert told == lines


def test_a_page_from_long_ago_ends_no_wait(feed: Feed, following: Following) -> None:
    """Who waits for the first view waits for one that counts."""
    follower = follower_of(following(interval=0.1))
    feed.alter = shifted(-3600)
    follower.start()
    run = follower._run
    assert run is not None
    eventually(lambda: len(feed.asked) > 2)
    assert not run.fresh.done()
    feed.alter = shifted(0)
    assert run.fresh.result(20) is None


def test_a_forked_process_knows_nothing_yet(feed: Feed, following: Following) -> None:
    """It has no thread that could keep a view fresh, so the parent's view does not count in it."""
    verifier = following(interval=0.1)
    assert verifier.verify(feed.issuer.make_token("ada"))
    follower = follower_of(verifier)
    follower.stop()
    eventually(lambda: bool(follower._run and follower._run.over))

    _forget_threads()

    assert not follower.intake.is_fresh
    assert not follower.intake.freshness.began
    assert verifier.verify(feed.issuer.make_token("ada"))
    assert follower.intake.is_fresh


def test_a_forked_process_has_a_lock_users_and_a_thread_of_its_own(feed: Feed, following: Following) -> None:
    """Some thread of the parent may have held the lock as it forked; and the parent's run is kept, but not ended."""
    follower = follower_of(following(interval=0.1))
    follower.enter()
    of_parent = follower._run
    assert of_parent is not None
    follower._lock.acquire()

    _forget_threads()

    assert follower._of_parent is of_parent
    follower.enter()
    of_child = follower._run
    assert of_child is not None
    assert of_child is not of_parent
    follower.leave()
    eventually(lambda: of_child.over)
    assert not of_parent.over
    of_parent.end()


def test_a_run_that_has_not_begun_can_be_ended() -> None:
    """A stop may come before the thread has got to its loop."""
    run = _Run()
    run.end()
    assert run.over


def test_no_program_waits_for_the_thread_at_its_end(feed: Feed, following: Following) -> None:
    """Whoever forgets to close a verifier can still end."""
    follower = follower_of(following(interval=0.1))
    follower.start()
    assert follower._run is not None
    assert follower._run.thread is not None
    assert follower._run.thread.daemon


@pytest.mark.parametrize("verify", [Verifier.verify, Verifier.verify_async])
@pytest.mark.parametrize("patience", [0.9, 0.3])
async def test_a_thread_or_a_task_waits_its_whole_patience(
    feed: Feed, following: Following, monkeypatch: pytest.MonkeyPatch, patience: float, verify: Callable[..., Any]
) -> None:
    """Be it less than a second: the first token of an API that has just been started is not refused at once."""
    monkeypatch.setattr("keyturn.verify.feed.follower.PATIENCE", patience)
    feed.down = True
    verifier = following()
    began = time.monotonic()
    with pytest.raises(VerifierUnavailable):
        await verify(verifier, feed.issuer.make_token())
    assert time.monotonic() - began > patience - 0.05


@pytest.mark.parametrize("entries", [1, 3])
def test_what_is_over_is_forgotten_while_all_goes_well(entries: int, feed: Feed, following: Following) -> None:
    """REF-17: also by a feed that never fails, page after page."""
    for number in range(entries):
        feed.revoke("sid", f"s{number}", lasts=1)
    verifier = following(interval=0.1)
    view = follower_of(verifier).intake.view
    verifier.verify(feed.issuer.make_token("ada"))
    eventually(lambda: len(view) == 0)


def test_the_first_view_is_told_at_once(feed: Feed, following: Following) -> None:
    """REF-16: who waits for it goes on with it, and does not wait its whole patience out."""
    follower = follower_of(following())
    follower.start()
    run = follower._run
    assert run is not None
    assert run.fresh.result(20) is None
    assert not run.over


def test_no_task_that_waits_can_cancel_the_first_view_for_the_others() -> None:
    """A request that is given up takes nothing from who waits beside it."""
    assert not _Run().fresh.cancel()


def test_an_outage_ages_the_view() -> None:
    """REF-17: each failure minds the time, so that what is over is forgotten and what is old is said."""
    ticks: list[None] = []
    intake: Any = SimpleNamespace(tick=lambda: ticks.append(None))
    pace: Any = None
    follower = FeedFollower(intake, url="http://127.0.0.1:1", pace=pace, new_client=None)
    for _ in range(3):
        follower._note_failure(OSError("down"))
    assert len(ticks) == 3
