"""`Sessions` but for advancing: start, find, end, list, prune."""

from dataclasses import replace
from typing import Any

import pytest

from keyturn.core.model import AuditKind, EndReason
from keyturn.core.ports import Store
from keyturn.core.ratelimit import Rate, Reservation
from keyturn.store.sql import session_pruning
from keyturn.tokens.revocation import RevocationKind, digest


async def events(store: Store) -> list[tuple[str, str | None, str | None]]:
    """Return kind, sub and sid of all audit events."""
    return [(event.kind.value, event.sub, event.sid) for _, event in await store.audit.list_page(0, 1000)]


async def test_a_started_session_is_found_as_it_was_given(store: Store, given: Any) -> None:
    """A session comes back equal, whichever of its optional fields are set."""
    plain = given.session(1)
    full = given.session(2, scope=None, resource="https://api.example.com", refresh_tat_us=5)
    empty = given.session(3, scope=())
    for session in (plain, full, empty):
        assert await store.sessions.start(given.start(session))

    assert [await store.sessions.find(one.handle) for one in (plain, full, empty)] == [plain, full, empty]
    assert await store.sessions.find(b"?" * 16) is None


async def test_a_session_is_found_together_with_its_user(store: Store, given: Any) -> None:
    """One query tells of both, of a user who is disabled too; the session of another directory's user has none."""
    await store.users.add(given.user(1), given.event(AuditKind.USER_ADDED))
    mine, foreign = given.session(1), given.session(2, sub="theirs")
    for session in (mine, foreign):
        await store.sessions.start(given.start(session))

    assert await store.sessions.find_with_user(mine.handle) == (mine, given.user(1).as_user())
    assert await store.sessions.find_with_user(foreign.handle) == (foreign, None)
    assert await store.sessions.find_with_user(b"?" * 16) is None

    await store.users.set_disabled(mine.sub, 5, None, given.event(AuditKind.USER_DISABLED))
    found = await store.sessions.find_with_user(mine.handle)
    assert found is not None
    assert found[1] is not None
    assert found[1].disabled


async def test_a_generation_s_replays_are_one_event(store: Store, given: Any) -> None:
    """Each generation's first replay is written down, however often it comes."""
    session = given.session(1)
    await store.sessions.start(given.start(session))
    event = given.event(AuditKind.REFRESH_REPLAYED)

    for generation in (2, 2, 3, 2, 3):
        await store.sessions.note_replay(session.handle, generation, event)

    kinds = [kind for kind, _, _ in await events(store)]
    assert kinds.count("refresh_replayed") == 2


async def test_a_start_writes_its_event_and_gives_back(store: Store, given: Any) -> None:
    """The login's event and the returned reservations stand in the same step as the session."""
    limit = Reservation(key="ip:192.0.2.1", rate=Rate.per(1, 60))
    assert await store.rate_limits.reserve([limit], given.now_ms) == 0

    await store.sessions.start(given.start(given.session(), give_back=[limit]))

    assert await events(store) == [("login", "u1", "sid-1")]
    assert await store.rate_limits.reserve([limit], given.now_ms) == 0


@pytest.mark.parametrize(
    ("change", "starts"),
    [
        ({}, True),
        ({"version": 2}, False),
        ({"disabled_at": 5}, False),
        ({"sub": "somebody-else"}, False),
    ],
)
async def test_a_start_needs_the_user_as_they_were_seen(
    store: Store, given: Any, change: dict[str, Any], starts: bool
) -> None:
    """A user whose password changed or who was disabled after the password was checked gets no session (A37, A39)."""
    await store.users.add(replace(given.user(), **change), given.event(AuditKind.USER_ADDED))
    limit = Reservation(key="k", rate=Rate.per(1, 60))
    await store.rate_limits.reserve([limit], given.now_ms)

    assert await store.sessions.start(given.start(given.session(), user_version=1, give_back=[limit])) is starts

    assert (await store.sessions.find(given.session().handle) is not None) is starts
    assert (len(await events(store)) == 2) is starts
    assert (await store.rate_limits.reserve([limit], given.now_ms) == 0) is starts


async def test_beyond_the_most_the_oldest_end(store: Store, given: Any) -> None:
    """The 101st session ends the oldest live one, with a revocation and an event (contract §4)."""
    for number in range(101):
        created = {"created_at": given.now - 200 + number, "last_used_at": given.now}
        assert await store.sessions.start(given.start(given.session(number, **created)))

    live = await store.sessions.list_live("u1", given.now)

    assert len(live) == 100
    oldest = await store.sessions.find(given.session(0).handle)
    assert oldest.end_reason is EndReason.TOO_MANY
    (entry,) = await store.revocations.after(0, 1000)
    assert entry.digest == digest(RevocationKind.SID, "sid-0")
    assert ("session_ended", "u1", "sid-0") in await events(store)


async def test_the_new_session_is_never_the_one_that_ends(store: Store, given: Any) -> None:
    """With a most of one, each login ends the one before, also within one second."""
    for number in range(5):
        await store.sessions.start(given.start(given.session(number), most=1))
        assert [one.sid for one in await store.sessions.list_live("u1", given.now)] == [f"sid-{number}"]


async def test_ended_and_expired_sessions_do_not_count_towards_the_most(store: Store, given: Any) -> None:
    """Only live sessions of the same user make the oldest end."""
    await store.sessions.start(given.start(given.session(1)))
    await store.sessions.end(given.ending(sid="sid-1"))
    await store.sessions.start(given.start(given.session(2, idle_expires_at=given.now)))
    await store.sessions.start(given.start(given.session(3, sub="u2")))
    await store.sessions.start(given.start(given.session(4, created_at=given.now - 9)))

    await store.sessions.start(given.start(given.session(5), most=2))

    assert {one.sid for one in await store.sessions.list_live("u1", given.now)} == {"sid-4", "sid-5"}


@pytest.mark.parametrize(
    ("order", "ended"),
    [
        ({"handle": 1}, {1}),
        ({"sid": "sid-2"}, {2}),
        ({"sub": "u1"}, {1, 2}),
        ({"sub": "u1", "but_sid": "sid-2"}, {1}),
        ({"sid": "sid-3", "of_sub": "u1"}, set()),
        ({"sid": "sid-3", "of_sub": "u2"}, {3}),
        ({"sid": "unknown"}, set()),
    ],
)
async def test_end_ends_what_the_order_names(store: Store, given: Any, order: dict[str, Any], ended: set[int]) -> None:
    """By handle, sid or sub; somebody else's and the spared session stay. Each gets a revocation and an event."""
    for number, sub in ((1, "u1"), (2, "u1"), (3, "u2")):
        await store.sessions.start(given.start(given.session(number, sub=sub)))
    if "handle" in order:
        order = {"handle": given.session(1).handle}

    gone = await store.sessions.end(given.ending(**order))

    assert {one.sid for one in gone} == {f"sid-{number}" for number in ended}
    assert all(one.ended_at == given.now + 2 and one.end_reason is EndReason.LOGOUT for one in gone)
    assert [await store.sessions.find(one.handle) for one in gone] == list(gone)
    entries = await store.revocations.after(0, 1000)
    assert {entry.digest for entry in entries} == {digest(RevocationKind.SID, one.sid) for one in gone}
    assert all(entry.expires_at == given.now + 3662 for entry in entries)
    told = {(sub, sid) for kind, sub, sid in await events(store) if kind == "session_ended"}
    assert told == {(one.sub, one.sid) for one in gone}


async def test_a_session_ends_once(store: Store, given: Any) -> None:
    """The second ending meets nothing, keeps the first reason and writes nothing."""
    await store.sessions.start(given.start(given.session()))
    await store.sessions.end(given.ending(sid="sid-1"))

    assert not await store.sessions.end(given.ending(sid="sid-1", reason=EndReason.REUSED))

    assert (await store.sessions.find(given.session().handle)).end_reason is EndReason.LOGOUT
    assert len(await store.revocations.after(0, 1000)) == 1


@pytest.mark.parametrize("order", [{}, {"sid": "sid-1", "sub": "u1"}])
async def test_an_ending_without_one_selector_is_refused(store: Store, given: Any, order: dict[str, str]) -> None:
    """An order that names no session, or names them twice, ends none."""
    await store.sessions.start(given.start(given.session()))

    with pytest.raises(ValueError, match="exactly one"):
        await store.sessions.end(given.ending(**order))

    assert len(await store.sessions.list_live("u1", given.now)) == 1


async def test_live_sessions_come_last_used_first(store: Store, given: Any) -> None:
    """The list leaves out what is ended, expired, idle or somebody else's (REF-20)."""
    live = [given.session(n, last_used_at=given.now - n) for n in (1, 2, 3)]
    dead = [given.session(4, expires_at=given.now), given.session(5, idle_expires_at=given.now)]
    for session in (live[1], *dead, live[2], live[0], given.session(6, sub="u2"), given.session(7)):
        await store.sessions.start(given.start(session))
    await store.sessions.end(given.ending(sid="sid-7"))

    assert await store.sessions.list_live("u1", given.now) == live


async def test_everybodys_live_sessions_come_by_the_page(store: Store, given: Any) -> None:
    """Each once, in the order of their ids, whoever's; what starts behind the place meanwhile is met, before it not."""
    sids = ["B", "a", "-x", "_y", "b", "é", "1"]
    for number, sid in enumerate(sids):
        await store.sessions.start(given.start(given.session(number, sid=sid, sub=f"u{number % 2}")))
    for number, over in enumerate(({"expires_at": given.now}, {"idle_expires_at": given.now}, {}), start=20):
        await store.sessions.start(given.start(given.session(number, **over)))
    await store.sessions.end(given.ending(sid="sid-22"))

    first = await store.sessions.list_page("", 3, given.now)
    for number, sid in ((30, "!"), (31, "zz")):
        await store.sessions.start(given.start(given.session(number, sid=sid)))
    rest = await store.sessions.list_page(first[-1].sid, 100, given.now)

    assert len(first) == 3
    assert [one.sid for one in (*first, *rest)] == sorted([*sids, "zz"])
    assert await store.sessions.list_page("\U0010ffff", 9, given.now) == []
    assert await store.sessions.find(first[0].handle) == first[0]


async def test_a_session_is_found_by_its_id(store: Store, given: Any) -> None:
    """A live one, and one that ended, with the reason; nothing for an id that nobody has."""
    live, ended = given.session(1), given.session(2)
    for session in (live, ended):
        await store.sessions.start(given.start(session))
    await store.sessions.end(given.ending(sid="sid-2"))

    assert await store.sessions.find_by_sid("sid-1") == live
    found = await store.sessions.find_by_sid("sid-2")
    assert (found.handle, found.ended_at, found.end_reason) == (ended.handle, given.now + 2, EndReason.LOGOUT)
    assert await store.sessions.find_by_sid("sid-3") is None


async def test_prune_deletes_what_is_over_an_hour_past_its_end(store: Store, given: Any) -> None:
    """An hour after its idle end, its absolute end or its ending a session stays; a second later it may go."""
    then, kept = given.now - 3601, given.now - 3600
    gone = [given.session(1, expires_at=then), given.session(2, idle_expires_at=then), given.session(3)]
    stay = [given.session(4, expires_at=kept), given.session(5, idle_expires_at=kept), given.session(6)]
    for session in (*gone, *stay, given.session(7)):
        await store.sessions.start(given.start(session))
    await store.sessions.end(given.ending(sid="sid-3", at_ms=then * 1000))
    await store.sessions.end(given.ending(sid="sid-6", at_ms=kept * 1000))

    assert await store.sessions.prune(given.now, 100) == 3

    left = [number for number in range(1, 8) if await store.sessions.find(given.session(number).handle)]
    assert left == [4, 5, 6, 7]


async def test_prune_keeps_to_its_most(store: Store, given: Any) -> None:
    """A call deletes no more than it may, of all kinds together, and the next goes on."""
    past = given.now - 9999
    for number in range(9):
        end = ("expires_at", "idle_expires_at", "created_at")[number % 3]
        await store.sessions.start(given.start(given.session(number, **{end: past})))
        if end == "created_at":
            await store.sessions.end(given.ending(sid=f"sid-{number}", at_ms=past * 1000))

    deleted = [await store.sessions.prune(given.now, 4) for _ in range(4)]

    assert deleted == [4, 4, 1, 0]


async def test_live_sessions_do_not_use_up_the_most(store: Store, given: Any) -> None:
    """One call finds the idle session behind more live ones than it may delete."""
    for number in range(5):
        await store.sessions.start(given.start(given.session(number)))
    idle = given.session(9, expires_at=given.now + 99 * given.day, idle_expires_at=given.now - 9999)
    await store.sessions.start(given.start(idle))

    assert await store.sessions.prune(given.now, 2) == 1


async def test_the_walk_for_idle_sessions_comes_around(
    store: Store, given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its place, an idle session is found within as many calls as there are slices, again and again."""
    monkeypatch.setattr(session_pruning, "SLICE", 3)
    for turn in range(2):
        for number in range(10):
            idle = {"idle_expires_at": given.now - 9999} if number % 4 == 1 else {}
            session = given.session(100 * turn + number, expires_at=given.now + number, **idle)
            await store.sessions.start(given.start(session))

        deleted = [await store.sessions.prune(given.now, 100) for _ in range(12)]

        assert sum(deleted) == 3
        assert max(deleted) < 3
