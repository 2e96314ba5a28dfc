"""`Revocations`: the log only grows, in order, whatever the clock does (REF-08, REF-16)."""

import asyncio
from dataclasses import replace
from typing import Any

from keyturn.core.ports import Store
from keyturn.store import open_store
from keyturn.tokens.revocation import RevocationEntry, RevocationKind, digest


async def test_an_entry_comes_back_with_its_place(store: Store, given: Any) -> None:
    """The first ``seq`` is the time in milliseconds; an event goes with it."""
    entry = await store.revocations.add(given.revoking(), given.event())

    assert entry == RevocationEntry(
        seq=given.now_ms,
        kind=RevocationKind.JTI,
        digest=digest(RevocationKind.JTI, "j1"),
        before=None,
        expires_at=given.now + 3660,
    )
    assert await store.revocations.after(0, 1000) == [entry]
    assert len(await store.audit.list_page(0, 10)) == 1


async def test_a_cut_off_keeps_its_second(store: Store, given: Any) -> None:
    """The cut-offs of ``sub`` and ``all`` come back, and the same one twice is two entries."""
    of_sub = replace(given.revoking(), kind=RevocationKind.SUB, before=given.now)
    of_all = replace(given.revoking(), kind=RevocationKind.ALL, before=given.now - 1)
    for revoking in (of_sub, of_sub, of_all):
        await store.revocations.add(revoking, given.event())

    entries = await store.revocations.after(0, 1000)

    assert [entry.before for entry in entries] == [given.now, given.now, given.now - 1]


async def test_of_many_that_append_once_one_does(store: Store, given: Any) -> None:
    """REF-14, A34: check and entry are one step; the others leave neither an entry nor an event."""
    adds = (store.revocations.add_once(given.revoking(), given.event()) for _ in range(16))
    added = [entry for entry in await asyncio.gather(*adds) if entry is not None]

    assert added == await store.revocations.after(0, 1000)
    assert len(added) == len(await store.audit.list_page(0, 10)) == 1
    assert await store.revocations.add_once(given.revoking("j2"), given.event()) is not None


async def test_what_was_appended_once_may_come_again_after_its_end(store: Store, given: Any) -> None:
    """As long as its entry is kept nothing is added; not a second longer, for then it could not be revoked."""
    first = await store.revocations.add_once(given.revoking(), given.event())
    assert first is not None
    late = given.event(at_ms=first.expires_at * 1000 - 1)
    again = replace(given.revoking(), expires_at=first.expires_at + 3660)

    assert await store.revocations.add_once(again, late) is None
    assert await store.revocations.add_once(again, given.event(at_ms=first.expires_at * 1000)) is not None


async def test_seq_grows_even_if_the_clock_steps_back(store: Store, given: Any) -> None:
    """``seq`` = max(last + 1, epoch milliseconds) (contract §5, A35, A59)."""
    times = [0, 0, -3_600_000, 5, 5, 1_000]
    seqs = [(await store.revocations.add(given.revoking(), given.event(at_ms=given.now_ms + at))).seq for at in times]

    assert [seq - given.now_ms for seq in seqs] == [0, 1, 2, 5, 6, 1_000]


async def test_sessions_that_end_together_get_a_place_each(store: Store, given: Any) -> None:
    """Ending many at once takes as many places in a row, the first by the same rule."""
    for number in range(5):
        await store.sessions.start(given.start(given.session(number)))
    await store.sessions.end(given.ending(sub="u1", at_ms=given.now_ms))
    later = await store.revocations.add(given.revoking(), given.event(at_ms=given.now_ms))

    assert [entry.seq - given.now_ms for entry in await store.revocations.after(0, 1000)] == [0, 1, 2, 3, 4, 5]
    assert later.seq == given.now_ms + 5


async def test_whoever_has_seen_n_has_seen_all_up_to_n(store: Store, given: Any) -> None:
    """While many revoke at once, a reader that goes on from the newest it saw misses none."""
    seen: list[int] = []

    async def follow() -> None:
        while len(seen) < 200:
            seen.extend(entry.seq for entry in await store.revocations.after(max(seen, default=0), 1000))

    adding = (store.revocations.add(given.revoking(str(n)), given.event()) for n in range(200))
    _, *entries = await asyncio.wait_for(asyncio.gather(follow(), *adding), 10)

    assert seen == sorted(entry.seq for entry in entries)


async def test_after_gives_only_what_is_behind(store: Store, given: Any) -> None:
    """``after`` leaves out the place itself; beyond the newest there is nothing."""
    first, second = [await store.revocations.add(given.revoking(), given.event()) for _ in range(2)]

    assert await store.revocations.after(first.seq, 1000) == [second]
    assert await store.revocations.after(second.seq, 1000) == []


async def test_the_newest_place_is_known_after_its_entry_is_gone(store: Store, given: Any) -> None:
    """REF-16: whoever was told of it is not sent back to the beginning."""
    assert await store.revocations.newest() == 0
    entry = await store.revocations.add(given.revoking(), given.event())
    assert await store.revocations.newest() == entry.seq
    await store.revocations.prune(entry.expires_at, 9)

    assert await store.revocations.after(0, 1000) == []
    assert await store.revocations.newest() == entry.seq


async def test_prune_deletes_from_the_second_of_the_end_on(store: Store, given: Any) -> None:
    """Up to so many, and places are not given out again."""
    for end in (0, -1, 1, -2):
        await store.revocations.add(replace(given.revoking(), expires_at=given.now + end), given.event())

    assert await store.revocations.prune(given.now, 2) == 2
    assert await store.revocations.prune(given.now, 2) == 1
    assert await store.revocations.prune(given.now, 2) == 0
    (left,) = await store.revocations.after(0, 1000)
    assert left.expires_at == given.now + 1
    await store.revocations.prune(given.now + 9, 9)
    assert (await store.revocations.add(given.revoking(), given.event())).seq == given.now_ms + 4


async def test_the_log_survives_a_restart(store: Store, store_url: str, pooler: str, given: Any) -> None:
    """Entries and the sequence are as durable as the answer that told of them (REF-08, A35)."""
    entry = await store.revocations.add(given.revoking(), given.event())
    await store.close()

    again = await open_store(store_url, pooler=pooler)

    assert await again.revocations.after(0, 1000) == [entry]
    assert (await again.revocations.add(given.revoking(), given.event(at_ms=0))).seq == entry.seq + 1
    await again.close()
