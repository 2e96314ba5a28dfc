"""REF-16, REF-17: a verifier that follows a feed on loopback, through everything that may happen to it."""

import asyncio
import concurrent.futures
import contextlib
import gc
import itertools
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx2
import pytest
from feed_world import AUDIENCE, Feed, eventually, follower_of, shifted, threads, wait_for_no_threads

from keyturn import InvalidToken, Revocations, TokenExpired, Verifier, VerifierUnavailable
from keyturn.errors import InvalidTokenReason
from keyturn.testing import TestIssuer
from keyturn.tokens import revocation_feed
from keyturn.tokens.access_token import AccessToken
from keyturn.tokens.revocation import RevocationEntry, RevocationKind, RevocationView
from keyturn.verify.feed.follower import FeedFollower

Following = Callable[..., Verifier]


def refused(verifier: Verifier, text: str, reason: str = "revoked") -> bool:
    """Say whether *text* is refused for *reason*."""
    try:
        verifier.verify(text)
    except InvalidToken as refusal:
        return refusal.reason == InvalidTokenReason(reason)
    return False


def unavailable(verifier: Verifier, text: str) -> bool:
    """Say whether *text* can't be judged."""
    with contextlib.suppress(VerifierUnavailable):
        verifier.verify(text)
        return False
    return True


def set_clock(verifier: Verifier, seconds: float) -> None:
    """Let the verifier's own clock run on by *seconds*, and not the follower's, which is as good as asleep."""
    verifier._clock = lambda: time.time() + seconds  # type: ignore[misc]


def test_the_first_token_waits_for_the_first_view(feed: Feed, following: Following) -> None:
    """No thread before it is needed; what was revoked before the start is refused."""
    text = feed.issuer.make_token(sid="s1")
    feed.revoke("sid", "s1")
    verifier = following()
    assert threads() == 0
    with pytest.raises(InvalidToken) as refusal:
        verifier.verify(text)
    assert refusal.value.reason == InvalidTokenReason.REVOKED
    assert verifier.verify(feed.issuer.make_token("ada")).sub == "ada"
    assert threads() == 1


@pytest.mark.parametrize("how", ["verify", "verify_async", "waiting in vain"])
def test_a_view_that_gets_fresh_amid_a_verdict_was_not_asked(
    feed: Feed, following: Following, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REF-16: the first page comes in just after the empty view was asked; the token is refused all the same."""
    text = feed.issuer.make_token(sid="s1")
    feed.revoke("sid", "s1")
    verifier = following()
    intake = follower_of(verifier).intake
    revokes, asked = intake.view.revokes, itertools.count(1)
    moment = 2 if how == "waiting in vain" else 1

    def slowly(token: AccessToken, now: float) -> bool:
        answer = revokes(token, now)
        if next(asked) == moment:
            comes_in = threading.Thread(target=lambda: asyncio.run(intake.take(feed.sign(feed.page(None)))))
            comes_in.start()
            comes_in.join()
        return answer

    monkeypatch.setattr(RevocationView, "revokes", lambda _view, token, now: slowly(token, now))
    monkeypatch.setattr(FeedFollower, "start", lambda _: None)  # nothing comes in but at that moment
    judge = (
        (lambda: asyncio.run(verifier.verify_async(text))) if how == "verify_async" else lambda: verifier.verify(text)
    )
    with pytest.raises((InvalidToken, VerifierUnavailable)):
        judge()


async def test_an_event_loop_goes_on_while_the_first_view_comes(feed: Feed, following: Following) -> None:
    """Nothing is blocked; all who wait get in together."""
    hold = threading.Event()
    honest = feed.sign

    def slow(page: Any) -> str:
        assert hold.wait(5)
        return honest(page)

    feed.sign = slow
    verifier = following()
    tasks = [asyncio.create_task(verifier.verify_async(feed.issuer.make_token())) for _ in range(10)]
    for _ in range(30):
        await asyncio.sleep(0.01)
    assert not any(task.done() for task in tasks)
    tasks.pop().cancel()
    hold.set()
    assert len(await asyncio.gather(*tasks)) == 9


@pytest.mark.parametrize("kind", ["jti", "sid", "sub", "kid"])
def test_a_revocation_arrives_by_long_poll(feed: Feed, following: Following, kind: str) -> None:
    """Contract §5: also for a token that was verified before, without a call per request."""
    verifier = following(max_age=60)
    text, other = feed.issuer.make_token("ada", sid="s", jti="j"), TestIssuer(feed.issuer.issuer, AUDIENCE)
    token = verifier.verify(text)
    feed.revoke(kind, {"jti": "j", "sid": "s", "sub": "ada", "kid": token.kid}[kind])
    started = time.monotonic()
    eventually(lambda: refused(verifier, text))
    assert time.monotonic() - started < 20 < feed.asked[-1].wait
    assert refused(verifier, other.make_token(), "unknown_key")


@pytest.mark.slow
def test_a_revocation_arrives_by_poll(feed: Feed, following: Following) -> None:
    """Within the interval, and no question is held."""
    verifier = following(interval=0.2)
    text = feed.issuer.make_token(sid="s")
    verifier.verify(text)
    feed.revoke("sid", "s")
    eventually(lambda: refused(verifier, text))
    eventually(lambda: len(feed.asked) > 5)
    assert {asked.wait for asked in feed.asked} == {0}


def test_one_connection_serves_all_questions(feed: Feed, following: Following) -> None:
    """A handshake each time would be a waste."""
    verifier = following(max_age=60)
    text = feed.issuer.make_token()
    for number in range(5):
        verifier.verify(text)
        feed.revoke("sid", f"other {number}")
        eventually(lambda: follower_of(verifier).intake.after == feed.seq)
    assert len(feed.asked) > 5
    assert len({asked.port for asked in feed.asked}) == 1


def test_a_snapshot_of_many_pages_is_read_at_once(feed: Feed, following: Following) -> None:
    """Contract §5: ``more`` is asked for without a wait."""
    feed.page_size = 100
    for number in range(950):
        feed.revoke("sid", str(number))
    verifier = following(max_age=60)
    assert all(refused(verifier, feed.issuer.make_token(sid=str(number))) for number in (0, 500, 949))
    pages = [asked for asked in feed.asked if not asked.wait]
    assert [pages[0].after, *(asked.after for asked in pages[1:])] == [None, *range(1100, 2000, 100)]


@pytest.mark.slow
def test_an_outage_is_resumed_where_it_began(
    feed: Feed, following: Following, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes on for ever, by the last seq; the log says once that it began and once that it is over."""
    verifier = following(max_age=60)
    text = feed.issuer.make_token(sid="s")
    verifier.verify(text)
    seen = feed.seq
    feed.down = True
    feed.wake()
    feed.seq += 1
    feed.wake()
    eventually(lambda: len(feed.asked) > 5)
    asked = len(feed.asked)
    feed.revoke("sid", "s")
    assert verifier.verify(text)
    feed.down = False
    eventually(lambda: refused(verifier, text))
    assert {each.after for each in feed.asked[2 : asked - 1]} <= {seen, seen + 1}
    lines = [record.message for record in caplog.records if "feed" in record.message]
    assert lines == ["the revocation feed could not be read: status 503", "the revocation feed is read again"]


@pytest.mark.slow
def test_an_issuer_that_is_down_makes_the_first_token_wait_and_no_other(feed: Feed, following: Following) -> None:
    """Then it is 503 at once; the app serves as soon as the issuer does."""
    feed.down = True
    verifier = following()
    text = feed.issuer.make_token()
    assert unavailable(verifier, text)
    started = time.monotonic()
    assert all(unavailable(verifier, text) for _ in range(20))
    assert time.monotonic() - started < 2
    feed.down = False
    eventually(lambda: not unavailable(verifier, text))


async def test_who_waits_in_vain_leaves_nothing_behind(
    feed: Feed, following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage of an hour is millions of requests."""
    monkeypatch.setattr("keyturn.verify.feed.follower.PATIENCE", 0.2)
    feed.down = True
    verifier = following()
    text = feed.issuer.make_token()
    for _ in range(100):
        with pytest.raises(VerifierUnavailable):
            await verifier.verify_async(text)
    run = follower_of(verifier)._run
    assert run is not None
    assert len(run.fresh._done_callbacks) <= 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("lie", ["signature", "issuer", "type", "html"])
@pytest.mark.slow
def test_a_page_that_is_not_the_issuers_keeps_the_view(
    feed: Feed, following: Following, lie: str, web: Any, answering: Any
) -> None:
    """REF-16: it ages, what is revoked stays so, and an honest page ends it."""
    stranger = TestIssuer(feed.issuer.issuer, AUDIENCE)
    feed.revoke("sid", "s")
    verifier = following(max_age=2)
    good, bad = feed.issuer.make_token(), feed.issuer.make_token(sid="s")
    verifier.verify(good)
    honest = feed.sign
    if lie == "signature":
        feed.sign = lambda page: revocation_feed.sign(page, stranger._keys[0])
    elif lie == "issuer":
        feed.sign = lambda page: honest(replace(page, issuer="https://other.test"))
    elif lie == "type":
        feed.sign = lambda _page: feed.issuer.make_token()
    else:
        web.behave = answering(b"<html>", content_type="text/html")
    feed.wake()
    eventually(lambda: unavailable(verifier, good))
    assert refused(verifier, bad)
    feed.sign, web.behave = honest, feed.behave
    eventually(lambda: not unavailable(verifier, good))


def test_a_stale_view_is_503_for_good_tokens_alone(feed: Feed, following: Following) -> None:
    """REF-17: a bad token is 401 whatever the age of the view; so is one that is known to be revoked."""
    feed.revoke("sid", "s")
    verifier = following()
    good = feed.issuer.make_token(expires_in=3000)
    verifier.verify(good)
    set_clock(verifier, 60)
    with pytest.raises(VerifierUnavailable) as refusal:
        verifier.verify(good)
    assert refusal.value.retry_after == 1
    assert refused(verifier, feed.issuer.make_token(sid="s", expires_in=3000))
    assert refused(verifier, feed.issuer.make_token(aud="other"), "wrong_audience")
    with pytest.raises(TokenExpired):
        verifier.verify(feed.issuer.make_token(expires_in=30))


async def test_the_policy_is_chosen_once_or_for_a_call(feed: Feed, following: Following) -> None:
    """REF-17: accept goes on with the last view, in which what is revoked stays so; a typing error rejects."""
    feed.revoke("sid", "s")
    for policy, accepted in (("accept", {None, "accept"}), ("reject", {"accept"})):
        verifier = following(on_stale=policy)
        text = feed.issuer.make_token(expires_in=3000)
        verifier.verify(text)
        set_clock(verifier, 60)
        for on_stale in (None, "accept", "reject", "acept"):
            if on_stale in accepted:
                assert verifier.verify(text, on_stale=on_stale)
                assert await verifier.verify_async(text, on_stale=on_stale)
            else:
                with pytest.raises(VerifierUnavailable):
                    verifier.verify(text, on_stale=on_stale)
                with pytest.raises(VerifierUnavailable):
                    await verifier.verify_async(text, on_stale=on_stale)
        with pytest.raises(InvalidToken):
            verifier.verify(feed.issuer.make_token(sid="s", expires_in=3000), on_stale="accept")


@pytest.mark.slow
def test_staleness_is_logged_once_and_without_a_token(
    feed: Feed, following: Following, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when it begins, one when it ends."""
    verifier = following(max_age=2)
    text = feed.issuer.make_token()
    verifier.verify(text)
    feed.down = True
    feed.seq += 1
    feed.wake()
    eventually(lambda: unavailable(verifier, text))
    assert all(unavailable(verifier, text) for _ in range(50))
    feed.down = False
    eventually(lambda: not unavailable(verifier, text))
    lines = [record.message for record in caplog.records if "view" in record.message]
    assert lines == [
        "the view of what was revoked is older than 2 s",
        "the view of what was revoked is fresh again",
    ]
    assert not any(part in caplog.text for part in text.split("."))


@pytest.mark.parametrize("seconds", [-3, 3])
@pytest.mark.slow
def test_clocks_that_differ_by_three_seconds_are_no_trouble(feed: Feed, following: Following, seconds: float) -> None:
    """Over several long polls, even where the view counts for little more than that."""
    feed.alter = shifted(seconds)
    verifier = following(max_age=4)
    text = feed.issuer.make_token()
    verifier.verify(text)
    eventually(lambda: not verifier.verify(text) or len(feed.asked) >= 4)


@pytest.mark.slow
def test_a_replayed_page_lets_the_view_age(feed: Feed, following: Following) -> None:
    """REF-16: somebody who sends an old page again and again gains no time, and what it revokes counts."""
    verifier = following(max_age=2)
    text = feed.issuer.make_token()
    verifier.verify(text)
    old = feed.sign(replace(feed.page(None), issued_at=int(time.time())))
    feed.sign = lambda _page: old
    feed.wake()
    eventually(lambda: unavailable(verifier, text))
    asked = len(feed.asked)
    eventually(lambda: len(feed.asked) > asked + 3)
    assert unavailable(verifier, text)


@pytest.mark.slow
def test_a_feed_that_leads_nowhere_is_not_run_after(feed: Feed, following: Following) -> None:
    """``more`` for ever, without progress: asked as seldom as one that is down, and never fresh."""
    feed.revoke("sid", "s")
    feed.alter = lambda _page: replace(feed.page(None), more=True)
    verifier = following()
    text = feed.issuer.make_token()
    assert unavailable(verifier, text)
    asked = len(feed.asked)
    time.sleep(3)
    assert len(feed.asked) - asked < 8


@pytest.mark.slow
def test_a_feed_that_does_not_wait_is_not_run_over(feed: Feed, following: Following) -> None:
    """It answers every long poll at once with nothing new: two questions a second."""
    verifier = following(max_age=60)
    feed._wait = lambda _asked: None  # type: ignore[method-assign]
    verifier.verify(feed.issuer.make_token())
    asked = len(feed.asked)
    time.sleep(3)
    assert len(feed.asked) - asked <= 8


@pytest.mark.slow
def test_a_huge_page_is_not_read_to_its_end(feed: Feed, following: Following, web: Any) -> None:
    """Nor kept: a page has a bound."""
    verifier = following()
    text = feed.issuer.make_token()
    verifier._keys.get_keys()
    read_whole, left = threading.Event(), threading.Event()

    def huge(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/revocations+jwt")
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"a" * 65536)
            read_whole.set()
        except OSError:
            left.set()

    web.behave = huge
    assert unavailable(verifier, text)
    assert left.wait(20)
    assert not read_whole.is_set()
    web.behave = feed.behave
    eventually(lambda: not unavailable(verifier, text))


@pytest.mark.slow
def test_a_feed_that_sends_a_byte_now_and_then_is_left(feed: Feed, following: Following, web: Any) -> None:
    """The whole answer has one deadline."""
    verifier = following(max_age=2)
    text = feed.issuer.make_token()
    verifier._keys.get_keys()
    left = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/revocations+jwt")
        handler.end_headers()
        try:
            while not web.over.wait(0.05):
                handler.wfile.write(b"a")
        except OSError:
            left.set()

    web.behave = drip
    assert unavailable(verifier, text)
    assert left.wait(20)
    web.behave = feed.behave
    eventually(lambda: not unavailable(verifier, text))


def test_a_redirect_is_not_followed(feed: Feed, following: Following, web: Any) -> None:
    """Whoever may redirect would choose the feed."""
    verifier = following()
    verifier._keys.get_keys()

    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        if handler.path.startswith("/elsewhere"):
            feed.behave(handler)
            return
        handler.send_response(302)
        handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    web.behave = elsewhere
    verifier.start()
    eventually(lambda: len(web.requests) > 3)
    assert "/elsewhere" not in web.requests


@pytest.mark.slow
def test_a_stolen_key_is_refused_though_the_new_one_was_never_published(feed: Feed, following: Following) -> None:
    """Contract §5: the page that revokes a key is signed by one that nobody has seen; the keys are young."""
    verifier = following(max_age=60)
    text = feed.issuer.make_token()
    stolen = verifier.verify(text).kid
    fetches = feed.key_fetches
    time.sleep(1.1)  # the first fetch is that long ago in any case but a test's
    feed.issuer.rotate()
    feed.revoke("kid", stolen)
    eventually(lambda: refused(verifier, text))
    assert feed.key_fetches == fetches + 1
    assert verifier.verify(feed.issuer.make_token("ada")).sub == "ada"


@pytest.mark.slow
def test_strangers_still_bring_no_fetch_of_the_keys(feed: Feed, following: Following) -> None:
    """KEY-05: the haste is for what the issuer sends."""
    verifier = following()
    verifier.verify(feed.issuer.make_token())
    time.sleep(1.1)
    fetches = feed.key_fetches
    for _ in range(20):
        assert refused(verifier, TestIssuer(feed.issuer.issuer, AUDIENCE).make_token(), "unknown_key")
    assert feed.key_fetches == fetches


def test_a_closed_verifier_ends_its_thread_soon(feed: Feed, following: Following) -> None:
    """In the middle of a long poll; and it starts no other."""
    verifier = following(max_age=60)
    text = feed.issuer.make_token()
    verifier.verify(text)
    eventually(lambda: any(asked.wait for asked in feed.asked))
    verifier.close()
    wait_for_no_threads()
    assert verifier.verify(text)
    set_clock(verifier, 120)
    assert unavailable(verifier, text)
    assert threads() == 0


def test_a_verifier_that_nobody_holds_ends_its_thread(feed: Feed) -> None:
    """Nobody needs to close it."""
    verifier = Verifier(feed.issuer.issuer, AUDIENCE, revocations=Revocations(max_age=60))
    verifier.verify(feed.issuer.make_token())
    assert threads() == 1
    del verifier
    gc.collect()
    wait_for_no_threads()


def test_one_thread_serves_threads_and_loops_alike(feed: Feed, following: Following) -> None:
    """However many ask at once for the first time."""
    verifier, text = following(), feed.issuer.make_token("ada")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        several = [pool.submit(verifier.verify, text) for _ in range(32)]
        loops = [pool.submit(lambda: asyncio.run(verifier.verify_async(text))) for _ in range(4)]
    assert {done.result().sub for done in several + loops} == {"ada"}
    assert threads() == 1
    assert sum(asked.after is None for asked in feed.asked) == 1


def test_it_may_be_stopped_and_started(feed: Feed, following: Following) -> None:
    """As an app is: it goes on from the last page, and one of two users that leaves stops nothing."""
    verifier = following(max_age=60)
    with verifier.following():
        with verifier.following():
            eventually(lambda: follower_of(verifier).intake.is_fresh)
        assert threads() == 1
    wait_for_no_threads()
    asked = len(feed.asked)
    with verifier.following():
        eventually(lambda: len(feed.asked) > asked)
        assert feed.asked[asked].after is not None
        assert feed.asked[asked].wait == 0  # how things stand is needed at once


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("before", ["unused", "used", "in between"])
def test_a_forked_process_follows_by_itself(feed: Feed, following: Following, before: str) -> None:
    """As under a server that loads the app before it forks its workers; the parent goes on undisturbed."""
    verifier = following(max_age=60)
    text, later = feed.issuer.make_token(sid="s"), feed.issuer.make_token(sid="t")
    if before != "unused":
        verifier.verify(text)
    if before == "in between":
        eventually(lambda: any(asked.wait for asked in feed.asked))
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        _in_child(verifier, text, writes)
    os.close(writes)
    assert os.read(reads, 1) == b"v"
    feed.revoke("sid", "s")
    assert os.read(reads, 1) == b"r"
    os.close(reads)
    assert os.waitpid(child, 0)[1] == 0
    assert verifier.verify(later)
    eventually(lambda: refused(verifier, text))


def _in_child(verifier: Verifier, text: str, writes: int) -> None:
    """Report that *text* is good, and later that it is not; end without any of pytest's own endings."""
    code = 1
    try:
        verifier.verify(text)
        os.write(writes, b"v")
        eventually(lambda: refused(verifier, text))
        os.write(writes, b"r")
        code = 0
    finally:
        os._exit(code)


def test_the_http_factory_is_used_for_the_feed_too(feed: Feed) -> None:
    """Contract §6: each client is a new one, and closed."""
    made: list[httpx2.AsyncClient] = []

    def client() -> httpx2.AsyncClient:
        made.append(httpx2.AsyncClient(headers={"X-From": "us"}))
        return made[-1]

    with Verifier(feed.issuer.issuer, AUDIENCE, revocations=Revocations(), http=client) as verifier:
        verifier.verify(feed.issuer.make_token())
        assert len(made) == 2
    wait_for_no_threads()
    assert all(each.is_closed for each in made)


@pytest.mark.slow
def test_a_full_page_does_not_stall_the_apps_loop(feed: Feed, following: Following) -> None:
    """It is read in a thread beside: the loop comes round while ten full pages are taken in."""
    now = int(time.time())
    feed.entries = [
        RevocationEntry(
            seq=seq, kind=RevocationKind.SID, digest=seq.to_bytes(16, "big"), before=None, expires_at=now + 600
        )
        for seq in range(1, 100_001)
    ]
    feed.seq = 100_000
    verifier = following(max_age=60)
    text = feed.issuer.make_token()
    verifier._keys.get_keys()

    async def beats() -> int:
        verifier.start()
        count = 0
        while len(follower_of(verifier).intake.view) < 100_000:
            await asyncio.sleep(0.001)
            count += 1
        return count

    assert asyncio.run(beats()) > 100
    assert verifier.verify(text)
