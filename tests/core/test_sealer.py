"""The job that seals: everything once, in one chain, and only on what is ours."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from house import House

from keyturn.core import sealer as module
from keyturn.core.model import AuditEvent, AuditKind, Seal
from keyturn.core.ports import Extent
from keyturn.core.rewrap import rewrap_keys
from keyturn.core.sealer import Alarm, Sealer, head_of
from keyturn.core.sealing import START, first_of, hash_of
from keyturn.tokens.master_key import MasterKeys
from sealed_log import Log

MakeHouse = Callable[..., Awaitable[House]]


@pytest.fixture
def log(house: House) -> Log:
    """The log of a house."""
    return Log(house.services, house.now_ms)


async def test_what_was_written_is_sealed_once(log: Log) -> None:
    """Nothing twice, nothing left out; without anything new there is no new seal."""
    await log.write(3)
    assert await log.seal() == []
    await log.write(2)
    await log.seal()
    await log.seal()

    seals = await log.seals()

    assert [seal.number for seal in seals] == [1, 2]
    assert [(first_of(seal), seal.last) for seal in seals] == [
        (1, await log.last() - 2),
        (await log.last() - 1, await log.last()),
    ]
    assert seals[1].previous == hash_of(seals[0])
    assert (await log.report()).findings == ()


async def test_no_more_often_than_each_second(log: Log) -> None:
    """However many processes look: one of them has the turn."""
    await log.write(1)
    await log.seal()
    await log.write(1)

    await Sealer(log.services).run(now_ms=log.now_ms + 500, pause=log.pause)
    assert len(await log.seals()) == 1
    await Sealer(log.services).run(now_ms=log.now_ms + 1000, pause=log.pause)
    assert len(await log.seals()) == 2


async def test_what_has_piled_up_is_sealed_in_batches(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an upgrade, with a pause between two of them, so that requests come first."""
    monkeypatch.setattr(module, "BATCH", 7)
    await log.write(30)

    await log.seal()

    last = await log.last()
    assert [seal.last for seal in await log.seals()] == [*range(7, last, 7), last]
    assert log.pauses == len(await log.seals()) - 1
    assert (await log.report()).findings == ()


async def test_processes_that_seal_at_once_make_one_chain(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also without turns: the number of a seal is there once, and whoever comes second gives up."""
    monkeypatch.setattr(module, "BATCH", 3)
    await log.write(60)
    sealers = [Sealer(log.services) for _ in range(8)]
    for sealer in sealers:
        sealer.extent = await log.store.audit_seals.extent()

    for _ in range(8):
        await asyncio.gather(*(sealer._seal(sealer.extent, log.now_ms, log.pause) for sealer in sealers))

    seals = await log.seals()
    assert [seal.number for seal in seals] == list(range(1, len(seals) + 1))
    assert all(after.previous == hash_of(before) for before, after in pairwise(seals))
    report = await log.report()
    assert (report.findings, report.sealed) == ((), report.entries)


async def test_a_seal_by_somebody_else_is_not_vouched_for(log: Log) -> None:
    """Who can write the database but has no master key makes a history of their own: no seal of ours stands on it."""
    await log.write(5)
    await log.seal()
    forged = replace((await log.seals())[0], digests=bytes(32 * await log.last()), mac=bytes(32))
    await log.sql("DELETE FROM audit_seals")
    await log.store.audit_seals.add(forged)
    await log.write(1)

    log.later()
    assert await Sealer(log.services).run(now_ms=log.now_ms, pause=log.pause) == [Alarm.NOT_OURS]

    forged_there, anew = await log.seals()
    assert (anew.previous, anew.last) == (START, await log.last())
    assert hash_of(forged_there) == hash_of(forged)
    await log.write(1)
    assert await log.seal() == [Alarm.SET_BACK]  # this one had seen the true one
    assert await log.seal() == []
    assert (await log.faults())[:1] == ["seal_changed"]
    assert {"seal_changed", "begun_anew"} <= set(await log.faults())


async def test_a_forged_seal_that_reaches_far_ahead_stops_no_sealing(log: Log) -> None:
    """Whatever it says of itself: entries from now on are sealed."""
    await log.write(1)
    await log.seal()
    await log.sql("UPDATE audit_seals SET last = 1000000000000")
    await log.write(2)

    await log.seal()
    await log.write(2)
    await log.seal()

    assert [seal.last for seal in await log.seals()][-1] == await log.last()
    assert {"seal_changed", "begun_anew"} <= set(await log.faults())


@pytest.mark.parametrize("last", [0, -5])
async def test_a_forged_seal_that_reaches_nowhere_leaves_no_entry_out(log: Log, last: int) -> None:
    """The new chain begins with the first entry, and covers none before it."""
    await log.write(1)
    await log.seal()
    await log.sql(f"UPDATE audit_seals SET last = {last}")

    await log.seal()

    *_, anew = await log.seals()
    assert (first_of(anew), anew.last) == (1, await log.last())


async def test_a_process_that_has_not_the_new_master_key_yet_waits(
    make_house: MakeHouse, master_keys: MasterKeys
) -> None:
    """While it is handed out, one that knows it goes on. If none does for ten minutes, a new chain begins."""
    new, old = master_keys.keys
    late = Log((await make_house(master_keys=MasterKeys((old,)))).services)
    await late.seal()
    ahead = Log((await make_house(master_keys=MasterKeys((new, old)))).services, late.now_ms)
    await ahead.write(1)
    await ahead.seal()
    late.later(1)
    await late.write(1)

    assert await late.seal() == []
    assert (await ahead.report()).sealed == (await ahead.report()).entries - 1
    ahead.later(5)
    assert await ahead.seal() == []
    assert (await ahead.report()).findings == ()

    await late.write(1)
    late.later(599)
    assert await late.seal() == [Alarm.NOT_OURS]
    assert "begun_anew" in await ahead.faults()


@pytest.mark.parametrize(
    "statements",
    [
        ["DELETE FROM audit_seals WHERE number = 2"],
        ["DELETE FROM audit_seals"],
        [
            "DELETE FROM audit WHERE number > 6",
            "UPDATE audit_sequence SET last = 6",
            "DELETE FROM audit_seals WHERE last > 6",
        ],
    ],
)
async def test_a_log_that_was_set_back_under_a_running_server_says_so(log: Log, statements: list[str]) -> None:
    """The seals that are gone are named in the log itself, by number and hash, and that entry is sealed."""
    await log.write(3)
    await log.seal()
    await log.write(3)
    await log.seal()
    lost = head_of((await log.seals())[-1])
    await log.sql(*statements)

    assert await log.seal() == [Alarm.SET_BACK]
    await log.seal()

    events = [event for _, event in await log.store.audit.list_page(0, 1000) if event.kind is AuditKind.AUDIT_SET_BACK]
    assert [(event.details["sealed"], event.origin.actor) for event in events] == [(lost, "system")]
    assert "not_as_expected" in [finding.fault for finding in (await log.report(lost)).findings]


async def test_a_counter_that_was_set_back_is_one_alarm(log: Log) -> None:
    """Not one each second, until it has come as far again."""
    await log.write(9)
    await log.seal()
    await log.sql("DELETE FROM audit WHERE number > 3", "UPDATE audit_sequence SET last = 3")

    assert await log.seal() == [Alarm.SET_BACK]
    assert [await log.seal() for _ in range(3)] == [[]] * 3

    assert await log.last() == 4
    assert await log.faults() == ["changed", "removed"]


async def test_a_log_that_was_rewritten_by_another_server_is_noticed(log: Log) -> None:
    """The seal that this process knows is there no more, though there are as many."""
    await log.write(1)
    await log.seal()
    await log.sql("DELETE FROM audit_seals", "UPDATE audit SET reason = 'another'")
    other = Sealer(log.services)
    log.later()
    await other.run(now_ms=log.now_ms, pause=log.pause)
    await log.write(1)

    assert await log.seal() == [Alarm.SET_BACK]


async def test_other_processes_going_on_is_no_alarm(log: Log) -> None:
    """Each remembers the newest seal that it saw, whoever made it."""
    other = Sealer(log.services)
    for _ in range(3):
        await log.write(1)
        assert await log.seal() == []
        await log.write(1)
        log.later()
        assert await other.run(now_ms=log.now_ms, pause=log.pause) == []

    assert (await log.report()).findings == ()
    assert len(await log.seals()) == 6


async def test_an_entry_that_is_gone_before_its_seal_is_sealed_as_gone(log: Log) -> None:
    """Numbers have no gap, so somebody has removed it; the sealing goes on, and the finding stays."""
    await log.write(5)
    await log.sql("DELETE FROM audit WHERE number = 3")

    await log.seal()

    assert await log.faults() == ["removed_unsealed"]
    (finding,) = (await log.report()).findings
    assert (finding.first, finding.last) == (3, 3)


async def test_the_newest_entry_that_is_gone_before_its_seal_too(log: Log) -> None:
    """The counter of the log says that it was there."""
    await log.write(5)
    last = await log.last()
    await log.sql(f"DELETE FROM audit WHERE number = {last}")

    await log.seal()

    assert [(f.fault, f.first) for f in (await log.report()).findings] == [("removed_unsealed", last)]


async def test_the_master_key_rotates_and_the_old_one_goes(make_house: MakeHouse, master_keys: MasterKeys) -> None:
    """Seals of the old master key are vouched for by a later one of the new: by the next entry's, or by the rewrap."""
    new, old = master_keys.keys
    before = Log((await make_house(master_keys=MasterKeys((old, new)))).services)
    await before.write(3)
    await before.seal()
    without = Log((await make_house(master_keys=MasterKeys((new,)), keyring=before.services.keyring)).services)
    assert await without.faults() == ["unknown_key"]

    between = Log((await make_house(master_keys=MasterKeys((new, old)))).services)
    await rewrap_keys(between.services, origin=AuditEvent(at_ms=0, kind=AuditKind.LOGIN).origin, now_ms=between.now_ms)

    after = Log((await make_house(master_keys=MasterKeys((new,)))).services)
    assert [seal.key_id for seal in await after.seals()] == [old.key_id, new.key_id]
    assert await after.faults() == []
    await after.write(1)
    assert await after.seal() == []
    assert await after.faults() == []
    await after.sql("UPDATE audit SET reason = 'x' WHERE number = 2")
    assert await after.faults() == ["changed"]
    await after.sql("UPDATE audit_seals SET mac = x'00' WHERE number = 1")
    assert await after.faults() == ["seal_changed", "unknown_key", "changed"]


async def test_the_rewrap_vouches_once_and_only_for_ours(make_house: MakeHouse, master_keys: MasterKeys) -> None:
    """A second time there is nothing to do; and what somebody else made gets no MAC of ours."""
    new, old = master_keys.keys
    before = Log((await make_house(master_keys=MasterKeys((old, new)))).services)
    await before.seal()
    between = Log((await make_house(master_keys=MasterKeys((new, old)))).services)
    await between.sql("UPDATE audit_seals SET digests = x'00'")
    assert not await module.vouch(between.services, now_ms=1)

    await between.sql("DELETE FROM audit_seals")
    assert not await module.vouch(between.services, now_ms=1)
    await before.seal()
    assert await module.vouch(between.services, now_ms=1)
    assert not await module.vouch(between.services, now_ms=1)


async def test_a_process_that_comes_second_has_made_nothing(log: Log) -> None:
    """What another one has sealed since it looked, and what was written since, is left for its next turn."""
    late = Sealer(log.services)
    await log.write(2)
    extent = await log.store.audit_seals.extent()
    await log.seal()
    await log.write(2)

    assert await late._seal(extent, log.now_ms, log.pause) == []

    assert late.made is None
    assert len(await log.seals()) == 1


async def test_a_seal_that_covers_nothing_is_missed_too(log: Log, master_keys: MasterKeys) -> None:
    """The one of the rewrap: without it all entries are sealed still."""
    await log.seal()
    (first,) = await log.seals()
    place = module._behind(first)
    await log.store.audit_seals.add(
        module.seal_entries(
            (),
            number=place.number,
            after=place.after,
            upto=place.after,
            previous=place.previous,
            key=master_keys.current,
            now_ms=log.now_ms,
        )
    )
    assert await log.seal() == []

    await log.sql("DELETE FROM audit_seals WHERE number = 2")

    assert await log.seal() == [Alarm.SET_BACK]


async def test_no_seal_is_read_where_nothing_was_written(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that nobody uses asks once a second how far the log is, and no more."""
    await log.write(1)
    await log.seal()
    asked: list[int] = []

    async def asked_for(_self: object, number: int) -> Seal | None:
        asked.append(number)
        return None

    monkeypatch.setattr(type(log.store.audit_seals), "find", asked_for)
    assert await log.seal() == []
    assert asked == []


async def test_a_process_that_ends_seals_what_little_is_left(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whosever turn it is; nothing where nothing is left, and no batch after batch while somebody waits for its end."""
    monkeypatch.setattr(module, "BATCH", 3)
    ending = Sealer(log.services)
    assert ending.extent == Extent(last=0, seals=0, sealed=0)
    await log.seal()
    begun = len(await log.seals())

    await ending.run_last(now_ms=log.now_ms, pause=log.pause)
    assert len(await log.seals()) == begun
    for left, sealed in ((1, 1), (3, 2)):
        await log.write(left)
        await ending.run_last(now_ms=log.now_ms, pause=log.pause)
        assert len(await log.seals()) == begun + sealed
    await log.write(4)
    await ending.run_last(now_ms=log.now_ms, pause=log.pause)
    assert len(await log.seals()) == begun + 2


async def test_a_process_that_ends_with_nothing_left_judges_nothing(log: Log) -> None:
    """Whatever the newest seal is: the next process that has something to seal says it."""
    await log.seal()
    await log.sql("UPDATE audit_seals SET mac = x'00'")
    assert await Sealer(log.services).run_last(now_ms=log.now_ms, pause=log.pause) == []


async def test_where_nothing_is_left_no_seal_is_made(log: Log) -> None:
    """One that covers nothing would say nothing: only a change of the master key needs such a one."""
    await log.seal()
    sealer = Sealer(log.services)
    assert await sealer._seal(await log.store.audit_seals.extent(), log.now_ms, log.pause) == []
    assert len(await log.seals()) == 1
    assert sealer.made is None


async def test_a_seal_of_an_unknown_key_is_not_missed(log: Log) -> None:
    """It may have come and gone: only what is ours is there for good."""
    await log.write(1)
    await log.seal()
    (ours,) = await log.seals()
    await log.store.audit_seals.add(replace(ours, number=2, previous=hash_of(ours), key_id=b"zzzz"))
    await log.write(1)
    assert await log.seal() == []

    await log.sql("DELETE FROM audit_seals WHERE number = 2")
    await log.write(1)

    assert await log.seal() == []
    assert (await log.report()).findings == ()


async def test_an_unknown_key_s_seal_that_reaches_far_ahead_is_waited_for(log: Log) -> None:
    """There is no entry behind it that could have waited too long."""
    await log.write(1)
    await log.seal()
    await log.sql("UPDATE audit_seals SET last = 1000000000000, key_id = x'7a7a7a7a'")
    await log.write(1)

    assert await Sealer(log.services).run(now_ms=log.now_ms + 1_000_000, pause=log.pause) == []
    assert len(await log.seals()) == 1


async def test_a_process_knows_the_only_seal_there_is(log: Log) -> None:
    """Also if it has made none itself: that it is gone is an alarm."""
    await log.write(1)
    await log.seal()
    other = Sealer(log.services)
    assert await other.run(now_ms=log.now_ms, pause=log.pause) == []
    await log.sql("DELETE FROM audit_seals")
    assert await other.run(now_ms=log.now_ms, pause=log.pause) == [Alarm.SET_BACK]


async def test_a_seal_that_goes_before_it_is_read_is_none(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was counted a moment ago; now it is not there."""
    await log.write(1)
    await log.seal()

    async def gone(_self: object, _number: int) -> Seal | None:
        return None

    monkeypatch.setattr(type(log.store.audit_seals), "find", gone)
    other = Sealer(log.services)
    assert await other.run(now_ms=log.now_ms, pause=log.pause) == []
    assert other._seen is None


async def test_the_newest_of_several_seals_is_vouched_for(make_house: MakeHouse, master_keys: MasterKeys) -> None:
    """The others stand below it."""
    new, old = master_keys.keys
    before = Log((await make_house(master_keys=MasterKeys((old, new)))).services)
    for _ in range(2):
        await before.write(1)
        await before.seal()
    between = Log((await make_house(master_keys=MasterKeys((new, old)))).services)
    assert await module.vouch(between.services, now_ms=1)
    assert [seal.number for seal in await between.seals()] == [1, 2, 3]
