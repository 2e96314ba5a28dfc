"""What a server does on its own."""

import asyncio
from dataclasses import replace

import pytest
from http_world import World

from keyturn.core import keys, sessions
from keyturn.core.model import KeyState, Origin
from keyturn.server.jobs import Job, jobs_of, running

DAY = 86_400


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


async def test_revocations_are_followed_and_forgotten_in_time(world: World) -> None:
    """REF-16: bounded memory: an entry goes when what it refused has expired."""
    follow = job_named(world, "follow revocations")
    await end_a_session(world)
    await follow.work()
    assert len(world.services.denylist.view) == 1

    world.clock.later(61 * 60)
    await follow.work()

    assert len(world.services.denylist.view) == 0


async def test_what_can_no_longer_matter_is_deleted(world: World) -> None:
    """Sessions go an hour after their end, and so do revocations."""
    await end_a_session(world)
    world.clock.later(2 * 3600)

    await job_named(world, "delete old rows").work()

    assert not await world.services.store.revocations.after(0, 1000)


async def end_a_session(world: World) -> None:
    """Log somebody in and out."""
    user = await world.add_user("grace")
    await world.login("grace")
    await sessions.logout_everywhere(world.services, user.sub, origin=Origin(), now_ms=world.clock.now_ms())
