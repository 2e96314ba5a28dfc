"""What a server does on its own."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from http_world import World

from keyturn.core import keys, sessions
from keyturn.core.denylist import Denylist
from keyturn.core.keyring import Keyring
from keyturn.core.model import KeyState, Origin
from keyturn.core.services import Services
from keyturn.server.clock import Clock
from keyturn.server.jobs import Job, jobs_of, running
from keyturn.store import open_store

DAY = 86_400


class JumpingClock(Clock):
    """A host's clock that a test sets."""

    shown_ms = 0

    def system_ms(self) -> int:
        """Return what it shows."""
        return self.shown_ms


def job_named(world: World, name: str) -> Job:
    """Return one of the server's jobs."""
    return next(job for job in jobs_of(world.services, world.clock) if job.name == name)


async def test_a_job_that_fails_is_tried_again_and_stops_nobody() -> None:
    """One that works goes on beside it."""
    calls: list[str] = []

    async def fails() -> None:
        calls.append("fails")
        raise RuntimeError("always")

    async def works() -> None:
        calls.append("works")

    async with running([Job(name="a", every=0.001, work=fails), Job(name="b", every=0.001, work=works)]):
        await asyncio.sleep(0.05)

    assert calls.count("fails") > 1
    assert calls.count("works") > 1


async def test_a_failure_is_logged_once_until_the_job_works_again(caplog: pytest.LogCaptureFixture) -> None:
    """A database that is down for an hour is one line, not thousands."""
    caplog.set_level("INFO", "keyturn")
    outcomes = iter([1, 1, 1, 0, 0, 1])
    done = asyncio.Event()

    async def work() -> None:
        outcome = next(outcomes, None)
        if outcome is None:
            done.set()
        if outcome:
            raise RuntimeError("down")

    async with running([Job(name="prune", every=0.001, work=work)]):
        await asyncio.wait_for(done.wait(), 5)
        await asyncio.sleep(0.01)

    lines = [record.getMessage().split(" job=")[0] for record in caplog.records]
    assert lines == ["job failed", "job works again"] * 2


async def test_jobs_end_with_the_server() -> None:
    """None is left behind, not even one in the middle of its work."""
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    async with running([Job(name="long", every=0, work=work)]):
        await asyncio.sleep(0.01)

    assert ended.is_set()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "keyturn long"]


async def test_signing_keys_rotate_by_the_schedule(world: World) -> None:
    """KEY-03: published a day ahead, then active; the old one stays published."""
    rotate = job_named(world, "rotate keys")
    first = world.services.keyring.signing_key().kid

    world.clock.later(29 * DAY)
    await rotate.work()
    assert world.services.keyring.signing_key().kid == first
    assert len(world.services.keyring.published()) == 2

    world.clock.later(DAY)
    await rotate.work()
    assert world.services.keyring.signing_key().kid != first
    assert world.services.keyring.find(first) is not None


async def test_a_rotation_by_another_process_is_followed(world: World) -> None:
    """The command line rotates or revokes; the server signs with the new key at its next turn."""
    other = replace(world.services, keyring=type(world.services.keyring)(world.services.master_keys))
    old = world.services.keyring.signing_key().kid
    await keys.rotate_if_due(other, now_ms=world.clock.now_ms())
    await keys.revoke_key(other, old, origin=Origin(actor="operator"), now_ms=world.clock.now_ms())

    await job_named(world, "rotate keys").work()

    states = {record.kid: record.state for record in world.services.keyring.records()}
    assert states[old] is KeyState.REVOKED
    assert world.services.keyring.signing_key().kid != old


async def test_many_processes_make_one_key(world: World) -> None:
    """KEY-03: at the moment that a key is due, each tries; one makes it, and all have it."""
    async with AsyncExitStack() as stack:
        fleet = [await another_process(world, stack) for _ in range(6)]
        world.clock.later(29 * DAY)
        await asyncio.gather(*(rotation(world, services) for services in fleet))
        published = [{key.kid for key in services.keyring.published()} for services in fleet]
        world.clock.later(DAY)
        await asyncio.gather(*(rotation(world, services) for services in fleet))

        assert [len(kids) for kids in published] == [2] * 6
        assert len({frozenset(kids) for kids in published}) == 1
        (signing,) = {services.keyring.signing_key().kid for services in fleet}
        assert signing in published[0] - {world.services.keyring.signing_key().kid}
    kinds = [event.kind.value for event in await world.audit()]
    assert (kinds.count("key_created"), kinds.count("key_activated")) == (2, 2)


async def test_nobody_signs_with_a_key_that_is_not_in_its_own_key_set(world: World) -> None:
    """KEY-03: a process that has not heard of the switch goes on with the old key; one that has publishes the new."""
    async with AsyncExitStack() as stack:
        late = await another_process(world, stack)
        old = late.keyring.signing_key().kid
        for _ in range(2):
            world.clock.later(29 * DAY + DAY)
            await job_named(world, "rotate keys").work()

        assert world.services.keyring.signing_key().kid != old
        assert late.keyring.signing_key().kid == old
        await rotation(world, late)
        assert late.keyring.signing_key().kid in {key.kid for key in late.keyring.published()}
        assert late.keyring.signing_key().kid == world.services.keyring.signing_key().kid


async def test_a_key_that_another_process_revoked_is_gone_with_the_news(world: World) -> None:
    """KEY-04: following the revocations is enough: it leaves the key set, and its successor signs."""
    async with AsyncExitStack() as stack:
        other = await another_process(world, stack)
        old = world.services.keyring.signing_key().kid
        await keys.revoke_key(other, old, origin=Origin(actor="operator"), now_ms=world.clock.now_ms())

        await job_named(world, "follow revocations").work()

        assert world.services.keyring.find(old) is None
        assert world.services.keyring.signing_key().kid == other.keyring.signing_key().kid


async def test_a_job_begins_as_soon_as_there_is_news() -> None:
    """Not only after its ``every``."""
    news, told = asyncio.Event(), asyncio.Event()

    async def wait(seconds: float) -> None:
        assert seconds == 3600
        await news.wait()
        news.clear()

    async def work() -> None:
        told.set()

    async with running([Job(name="follow", every=3600, work=work, wait=wait)]):
        news.set()
        await asyncio.wait_for(told.wait(), 5)


async def test_a_wait_that_returns_at_once_does_not_make_a_failing_job_spin() -> None:
    """As when the database, which would tell the news, is what fails."""
    calls = 0

    async def wait(_: float) -> None:
        await asyncio.sleep(0)

    async def work() -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError("down")

    async with running([Job(name="follow", every=60, work=work, wait=wait)]):
        await asyncio.sleep(0.05)

    assert calls == 1


async def test_revocations_are_followed_and_forgotten_in_time(world: World) -> None:
    """REF-16: bounded memory: an entry goes when what it refused has expired."""
    await end_a_session(world)
    await job_named(world, "follow revocations").work()
    assert len(world.services.denylist.view) == 1

    world.clock.later(61 * 60)
    await job_named(world, "delete old rows").work()

    assert len(world.services.denylist.view) == 0


async def test_a_host_whose_clock_jumped_ahead_forgets_no_revocation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REF-16: neither in memory nor for the whole fleet: the database's clock is asked before anything is deleted."""

    async def true_ms() -> int:
        return world.clock.ms

    clock = JumpingClock()
    clock.shown_ms = world.clock.ms
    monkeypatch.setattr(world.services.store, "now_ms", true_ms)  # as PostgreSQL does; SQLite has none
    await end_a_session(world)
    await world.services.denylist.catch_up()

    clock.shown_ms += 2 * 3_600_000
    for name in ("follow revocations", "delete old rows"):
        await next(job for job in jobs_of(world.services, clock) if job.name == name).work()

    assert len(world.services.denylist.view) == 1
    assert await world.services.store.revocations.after(0, 1000)


async def test_what_can_no_longer_matter_is_deleted(world: World) -> None:
    """Sessions go an hour after their end, and so do revocations."""
    await end_a_session(world)
    world.clock.later(2 * 3600)

    await job_named(world, "delete old rows").work()

    assert not await world.services.store.revocations.after(0, 1000)


async def test_one_process_deletes_for_all(world: World) -> None:
    """Whoever has the turn; nobody else in that minute, and then somebody again."""
    async with AsyncExitStack() as stack:
        services = await another_process(world, stack)
        await end_a_session(world)
        world.clock.later(2 * 3600)
        assert await services.store.turns.take("delete old rows", world.clock.now_ms(), 60_000)

        world.clock.later(59)
        await job_named(world, "delete old rows").work()
        assert await world.services.store.revocations.after(0, 1000)

        world.clock.later(1)
        await job_named(world, "delete old rows").work()
        assert not await world.services.store.revocations.after(0, 1000)


async def another_process(world: World, stack: AsyncExitStack) -> Services:
    """Return what another process on the same database works with: a store, keys and revocations of its own."""
    store = await open_store(world.state.settings.database.url)
    stack.push_async_callback(store.close)
    keyring = Keyring(world.services.master_keys)
    keyring.load(await store.signing_keys.list_all())
    return replace(world.services, store=store, keyring=keyring, denylist=Denylist(store.revocations))


async def rotation(world: World, services: Services) -> None:
    """Do what another process does every two seconds."""
    await next(job for job in jobs_of(services, world.clock) if job.name == "rotate keys").work()


async def end_a_session(world: World) -> None:
    """Log somebody in and out."""
    user = await world.add_user("grace")
    await world.login("grace")
    await sessions.logout_everywhere(world.services, user.sub, origin=Origin(), now_ms=world.clock.now_ms())
