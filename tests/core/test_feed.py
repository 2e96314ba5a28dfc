"""The revocation feed: which page follows a place, that its ``iat`` is true, and who may wait (contract §5, REF-16)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from builders import NOW, NOW_MS
from house import House

from keyturn.core import feed as feeds
from keyturn.core import keys, revoke
from keyturn.core.denylist import Denylist
from keyturn.core.feed import BEFORE_ALL, MANY, MAX_KEPT, MAX_LONG, Feed, page_behind
from keyturn.core.model import Origin
from keyturn.errors import TemporarilyUnavailable
from keyturn.tokens import revocation_feed
from keyturn.tokens.algorithms import ASYMMETRIC
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.revocation import RevocationEntry, RevocationKind, digest
from keyturn.tokens.revocation_feed import MAX_ENTRIES, Page

ISSUER = "https://auth.example.com"
PATIENCE = 20


class Log:
    """A log in memory that counts how often it is asked, and may be held up or be down."""

    def __init__(self, count: int = 0) -> None:
        self.entries = [entry(number) for number in range(1, count + 1)]
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.down = False

    async def newest(self) -> int:
        """Return the place of the last entry."""
        self.asked += 1
        last = self.entries[-1].seq if self.entries else 0
        await self.may_answer.wait()
        if self.down:
            raise TemporarilyUnavailable("down")
        return last

    async def after(self, seq: int, most: int) -> Sequence[RevocationEntry]:
        """Return what is behind, after a moment in which others may ask the same."""
        await asyncio.sleep(0)
        return [each for each in self.entries if each.seq > seq][:most]

    def append(self, seq: int) -> None:
        """Revoke something, in another process."""
        self.entries.append(entry(seq))


class Signer:
    """Signs, counts, and may be held up."""

    def __init__(self) -> None:
        self.signed: list[Page] = []
        self.may_sign = asyncio.Event()
        self.may_sign.set()

    async def __call__(self, page: Page, key: SigningKey) -> bytes:
        """Sign."""
        self.signed.append(page)
        await self.may_sign.wait()
        return revocation_feed.sign(page, key).encode()


def entry(seq: int, *, lives: int = 3660) -> RevocationEntry:
    """Return the revocation of a session."""
    named = digest(RevocationKind.SID, str(seq))
    return RevocationEntry(seq=seq, kind=RevocationKind.SID, digest=named, before=None, expires_at=NOW + lives)


def feed_of(house: House, log: Any = None) -> tuple[Feed, Signer]:
    """Return the feed of *house*, over *log* if there is one."""
    services = house.services if log is None else replace(house.services, denylist=Denylist(log))
    return Feed(services, signer := Signer()), signer


def read(house: House, page: bytes) -> Page:
    """Verify a page with the keys of *house*."""
    find_key = house.services.keyring.find
    return revocation_feed.verify(page.decode(), find_key=find_key, algorithms=ASYMMETRIC, issuer=ISSUER)


async def known(log: Log) -> Denylist:
    """Return a denylist that knows all of *log*."""
    denylist = Denylist(log)  # type: ignore[arg-type] # what of the port is needed here
    await denylist.catch_up_if_behind()
    return denylist


async def revoke_one(house: House, jti: str) -> None:
    """Revoke one token."""
    await revoke.revoke_jti(house.services, jti, origin=Origin(), now_ms=house.now_ms)


async def until(condition: Callable[[], bool]) -> None:
    """Return when *condition* holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("after", "seqs"),
    [(BEFORE_ALL, [1, 2, 3]), (0, [1, 2, 3]), (1, [2, 3]), (3, []), (4, [1, 2, 3]), (10**15, [1, 2, 3])],
)
async def test_a_page_has_what_is_behind_the_place(after: int, seqs: list[int]) -> None:
    """Without a place, and beyond the newest one, all there is; the page's own place is always the newest."""
    page = page_behind(await known(Log(3)), after, issuer=ISSUER, issued_at=NOW)

    assert [each.seq for each in page.entries] == seqs
    assert (page.seq, page.more, page.issued_at, page.issuer) == (3, False, NOW, ISSUER)


@pytest.mark.parametrize(("asked", "after"), [(BEFORE_ALL, 0), (1, 0), (10, 10), (15, 10), (30, 30), (99, 0)])
async def test_a_page_says_from_where_on_it_lacks_nothing(asked: int, after: int) -> None:
    """The place of the last entry before it: whoever has seen less has been given somebody else's page."""
    log = Log()
    log.entries = [entry(10), entry(20), entry(30)]

    page = page_behind(await known(log), asked, issuer=ISSUER, issued_at=NOW)

    assert page.after == after


async def test_a_long_snapshot_comes_in_pages() -> None:
    """10,000 entries each, ``more`` until the last; from one page's ``seq`` to the next, each entry once."""
    denylist, seen, after, more = await known(Log(25_000)), list[int](), BEFORE_ALL, True
    sizes = []
    while more:
        page = page_behind(denylist, after, issuer=ISSUER, issued_at=NOW)
        seen += [each.seq for each in page.entries]
        sizes.append(len(page.entries))
        after, more = page.seq, page.more

    assert sizes == [MAX_ENTRIES, MAX_ENTRIES, 5_000]
    assert seen == list(range(1, 25_001))


async def test_a_page_that_is_just_full_is_the_last() -> None:
    """``more`` promises entries, never an empty page."""
    page = page_behind(await known(Log(MAX_ENTRIES)), BEFORE_ALL, issuer=ISSUER, issued_at=NOW)

    assert (len(page.entries), page.more, page.seq) == (MAX_ENTRIES, False, MAX_ENTRIES)


async def test_what_has_expired_is_on_no_page() -> None:
    """And the newest place stays what it was."""
    log = Log()
    log.entries = [entry(1, lives=1), entry(2, lives=1), entry(3, lives=9)]
    denylist = await known(log)

    denylist.prune(NOW + 1)
    assert [each.seq for each in denylist.behind(0, 9)] == [3]
    denylist.prune(NOW + 9)
    assert (denylist.behind(0, 9), denylist.seq, len(denylist.view)) == ([], 3, 0)


async def test_a_page_reaches_to_the_newest_place_though_its_entry_is_gone() -> None:
    """Whoever takes it in has seen all up to there, and is not told so again and again."""
    denylist = await known(Log(3))
    await denylist.catch_up_to(9)

    page = page_behind(denylist, 1, issuer=ISSUER, issued_at=NOW)

    assert ([each.seq for each in page.entries], page.seq) == ([2, 3], 9)


async def test_what_two_read_at_once_is_known_once() -> None:
    """Two flows catch up at the same time, and each entry is on a page once."""
    denylist = Denylist(log := Log(3))  # type: ignore[arg-type] # what of the port is needed here
    await asyncio.gather(denylist.catch_up(), denylist.catch_up(), denylist.catch_up_if_behind())

    assert denylist.behind(0, 9) == log.entries


async def test_a_store_that_was_rolled_back_is_read_anew(house: House) -> None:
    """REF-08: after a failover to a server whose clock is behind, a place that was passed may be given out again.

    Such a revocation reaches every process, and who follows from the place that was lost; what was lost still holds.
    """
    log = Log(3)
    log.append(3_000)
    feed, _ = feed_of(house, log)
    denylist, lost = feed._services.denylist, log.entries[-1]
    assert read(house, await feed.page(BEFORE_ALL, now_ms=NOW_MS)).seq == 3_000

    log.entries[-1:] = [entry(1_500)]
    page = read(house, await feed.page(3_000, now_ms=NOW_MS))

    assert ([each.seq for each in page.entries], page.seq) == ([1, 2, 3, 1_500], 1_500)
    assert {lost.digest, log.entries[-1].digest} <= denylist.view._until.keys()


async def test_a_store_that_was_rolled_back_makes_no_page_of_a_part(house: House) -> None:
    """What has been read is on a page; what is being read anew is not yet missing there."""
    log = Log(25_000)
    feed, _ = feed_of(house, log)
    await feed.page(BEFORE_ALL, now_ms=NOW_MS)
    denylist = feed._services.denylist
    del log.entries[20_000:]

    anew = asyncio.create_task(denylist.catch_up_if_behind())
    places = set[int]()
    while not anew.done():
        places.add(page_behind(denylist, 19_000, issuer=ISSUER, issued_at=NOW).seq)
        await asyncio.sleep(0)

    assert places <= {25_000, 20_000}
    assert (denylist.seq, len(denylist.behind(0, 99_999))) == (20_000, 20_000)


async def test_a_restarted_server_sends_nobody_back(make_house: Callable[..., Any]) -> None:
    """The newest place is known though its entry is gone: who has seen it hears of nothing and waits."""
    house = await make_house()
    await revoke_one(house, "j1")
    seq = house.services.denylist.seq
    await house.services.store.revocations.prune(NOW + 9999, 9)
    restarted = await make_house()
    feed, _ = feed_of(restarted)

    page = read(restarted, await feed.page(seq, now_ms=NOW_MS))
    waiting = asyncio.create_task(feed.wait(seq, PATIENCE, now_ms=NOW_MS))
    await until(lambda: feed.waiting == 1)
    feed.stop()
    await waiting

    assert (page.seq, page.entries) == (seq, ())


async def test_a_page_has_what_another_process_revoked(make_house: Callable[..., Any]) -> None:
    """Its view lags behind; the page does not."""
    here, elsewhere = await make_house(), await make_house()
    feed, _ = feed_of(here)
    await revoke_one(elsewhere, "j1")

    page = read(here, await feed.page(BEFORE_ALL, now_ms=NOW_MS + 999))

    assert [each.digest for each in page.entries] == [digest(RevocationKind.JTI, "j1")]
    assert (page.issued_at, page.seq) == (NOW, page.entries[0].seq)


async def test_iat_is_when_the_log_was_asked_and_not_when_it_answered(house: House) -> None:
    """Who comes while it is being asked shares the answer, and its time: a revocation in between is not claimed."""
    log = Log(1)
    feed, signer = feed_of(house, log)
    log.may_answer.clear()
    first = asyncio.create_task(feed.page(BEFORE_ALL, now_ms=NOW_MS))
    await until(lambda: log.asked == 1)
    log.append(5)
    others = [asyncio.create_task(feed.page(BEFORE_ALL, now_ms=NOW_MS + 7_000)) for _ in range(50)]
    await asyncio.sleep(0)
    log.may_answer.set()

    pages = {read(house, page).issued_at for page in await asyncio.gather(first, *others)}

    assert pages == {NOW}
    assert (log.asked, len(signer.signed)) == (1, 1)


async def test_who_goes_away_takes_nothing_from_the_others(house: House) -> None:
    """The one whose request began the asking, or the signing, is cancelled; the rest get their page."""
    log = Log(1)
    feed, signer = feed_of(house, log)
    for gate in (log.may_answer, signer.may_sign):
        gate.clear()
        asking = [asyncio.create_task(feed.page(0, now_ms=house.now_ms)) for _ in range(3)]
        await until(lambda: log.asked == 1)
        await asyncio.sleep(0.01)
        asking[0].cancel()
        gate.set()
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(outcomes[0], asyncio.CancelledError)
        assert all(isinstance(page, bytes) for page in outcomes[1:])
        log.asked = 0
        house.later(1)


async def test_a_store_that_is_down_gives_no_page(house: House) -> None:
    """Not the one of a moment ago either: the views of verifiers shall age (503). It works again afterwards."""
    log = Log(1)
    feed, _ = feed_of(house, log)
    await feed.page(0, now_ms=NOW_MS)
    log.down = True

    for ask in (feed.page(0, now_ms=NOW_MS), feed.wait(1, PATIENCE, now_ms=NOW_MS)):
        with pytest.raises(TemporarilyUnavailable):
            await ask
    log.down = False
    assert await feed.page(0, now_ms=NOW_MS)


async def test_the_page_with_a_revoked_key_is_signed_by_another(make_house: Callable[..., Any]) -> None:
    """The emergency revocation came from another process; this one has not heard of it until the page is made."""
    here, elsewhere = await make_house(), await make_house()
    feed, _ = feed_of(here)
    kid = here.services.keyring.signing_key().kid
    await feed.page(BEFORE_ALL, now_ms=NOW_MS)
    await keys.revoke_key(elsewhere.services, kid, origin=Origin(), now_ms=NOW_MS)

    page = await feed.page(BEFORE_ALL, now_ms=NOW_MS)

    (only,) = read(here, page).entries
    assert only.digest == digest(RevocationKind.KID, kid)
    assert here.services.keyring.signing_key().kid != kid
    assert here.services.keyring.find(kid) is None


async def test_one_signature_a_second_for_all_who_are_told_the_same(house: House) -> None:
    """From whatever place they ask; a new second or a new entry is a new page."""
    log = Log(3)
    feed, signer = feed_of(house, log)
    for after in (BEFORE_ALL, 0, 77, 3, 3, 3, 0, 3):
        await feed.page(after, now_ms=NOW_MS)
    assert len(signer.signed) == 2  # all of it, and nothing new

    await feed.page(3, now_ms=NOW_MS + 1_000)
    log.append(4)
    await feed.page(3, now_ms=NOW_MS + 1_000)
    await feed.page(3, now_ms=NOW_MS + 1_000)

    assert [(page.issued_at, page.seq) for page in signer.signed[2:]] == [(NOW + 1, 3), (NOW + 1, 4)]


async def test_only_so_many_pages_are_kept(house: House) -> None:
    """Whoever asks for page after page fills no memory; the newest ones are still there."""
    feed, signer = feed_of(house, Log(MAX_KEPT + 9))
    for after in range(MAX_KEPT + 9):
        await feed.page(after, now_ms=NOW_MS)
    assert len(signer.signed) == MAX_KEPT + 9

    for kept in (MAX_KEPT + 8, 9):
        await feed.page(kept, now_ms=NOW_MS)
    assert len(signer.signed) == MAX_KEPT + 9
    await feed.page(8, now_ms=NOW_MS)
    assert len(signer.signed) == MAX_KEPT + 10


async def test_no_page_is_kept_beyond_its_second(house: House) -> None:
    """What was signed for the last one is of no use to anybody."""
    feed, _ = feed_of(house, Log(3))
    for after in range(3):
        await feed.page(after, now_ms=NOW_MS)
    assert len(feed._signed) == 3
    await feed.page(0, now_ms=NOW_MS + 1_000)
    assert len(feed._signed) == 1


async def test_a_page_is_long_with_one_entry_more_than_many(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no long one is made at all, one with so many is; and those that were made make room for others."""
    feed, signer = feed_of(house, Log(MANY + 1))
    monkeypatch.setattr(feeds, "MAX_LONG", 0)
    assert await feed.page(1, now_ms=NOW_MS)
    with pytest.raises(TemporarilyUnavailable):
        await feed.page(0, now_ms=NOW_MS)

    monkeypatch.setattr(feeds, "MAX_LONG", 1)
    assert await feed.page(0, now_ms=NOW_MS)
    signer.may_sign.clear()
    one = asyncio.create_task(feed.page(0, now_ms=NOW_MS + 1_000))
    await until(lambda: len(signer.signed) == 3)
    with pytest.raises(TemporarilyUnavailable):
        await feed.page(0, now_ms=NOW_MS + 2_000)
    signer.may_sign.set()
    assert await one


async def test_who_makes_no_long_page_waits_for_none(house: House) -> None:
    """A page with just so many entries does not stand in the line of the long ones."""
    feed, signer = feed_of(house, Log(MANY + 1))
    await feed._one_long.acquire()
    assert await asyncio.wait_for(feed.page(1, now_ms=NOW_MS), PATIENCE)
    assert len(signer.signed) == 1


async def test_long_pages_are_made_one_by_one_and_hold_up_no_short_one(house: House) -> None:
    """Beyond so many at once the answer is 503: a public URL is no way to keep a processor busy."""
    feed, signer = feed_of(house, Log(MANY + MAX_LONG + 9))
    signer.may_sign.clear()
    long = [asyncio.create_task(feed.page(after, now_ms=NOW_MS)) for after in range(MAX_LONG)]
    await until(lambda: len(signer.signed) == 1)
    with pytest.raises(TemporarilyUnavailable):
        await feed.page(MAX_LONG, now_ms=NOW_MS)
    short = asyncio.create_task(feed.page(MANY, now_ms=NOW_MS))
    await until(lambda: len(signer.signed) == 2)
    signer.may_sign.set()

    assert len(set(await asyncio.gather(short, *long))) == MAX_LONG + 1
    assert await feed.page(MAX_LONG, now_ms=NOW_MS)


@pytest.mark.parametrize("after", [BEFORE_ALL, 0, 2, 4, 10**15])
async def test_whoever_can_be_told_something_does_not_wait(house: House, after: int) -> None:
    """News, or a view from before a roll-back."""
    feed, _ = feed_of(house, Log(3))

    async with asyncio.timeout(PATIENCE):
        await feed.wait(after, 10 * PATIENCE, now_ms=NOW_MS)


async def test_a_wait_ends_with_news_with_its_time_and_with_the_server(house: House) -> None:
    """And leaves nobody behind who waits; once the server stops, nobody waits any more."""
    log = Log(3)
    feed, _ = feed_of(house, log)
    denylist = feed._services.denylist

    async def wait(seconds: float = 10 * PATIENCE) -> asyncio.Task[None]:
        waiting = asyncio.create_task(feed.wait(denylist.seq, seconds, now_ms=NOW_MS))
        await until(lambda: feed.waiting == 1 or waiting.done())
        return waiting

    await denylist.catch_up()
    async with asyncio.timeout(PATIENCE):
        await (await wait(0.01))
        woken = await wait()
        log.append(4)
        await denylist.catch_up()
        await woken
        stopped = await wait()
        feed.stop()
        await stopped
        await (await wait())
    assert feed.waiting == 0


async def test_who_goes_away_while_waiting_makes_room(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many wait; one beyond that is answered at once."""
    monkeypatch.setattr(feeds, "MAX_WAITING", 3)
    feed, _ = feed_of(house, Log(3))
    waiting = [asyncio.create_task(feed.wait(3, 10 * PATIENCE, now_ms=NOW_MS)) for _ in range(3)]
    await until(lambda: feed.waiting == 3)

    async with asyncio.timeout(PATIENCE):
        await feed.wait(3, 10 * PATIENCE, now_ms=NOW_MS)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert feed.waiting == 0


async def test_news_that_were_read_halfway_wake_those_who_wait() -> None:
    """The store fails after the first part of a long log; what was read is told."""
    log = Log(3)
    denylist = await known(log)
    waiting = asyncio.create_task(denylist.wait_beyond(3, 10 * PATIENCE))
    await asyncio.sleep(0)
    log.entries += [entry(seq) for seq in range(4, 10_004)]
    read_all = log.after

    async def fails_then(seq: int, most: int) -> Sequence[RevocationEntry]:
        if seq > 3:
            raise TemporarilyUnavailable("down")
        return await read_all(seq, most)

    log.after = fails_then  # type: ignore[method-assign] # a store that fails at the second step
    with pytest.raises(TemporarilyUnavailable):
        await denylist.catch_up()

    await asyncio.wait_for(waiting, PATIENCE)
