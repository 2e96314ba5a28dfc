"""The job that seals the audit log, and what it says of it."""

import sqlite3
from contextlib import closing

import pytest
from http_world import World

from keyturn.core.audit_check import Report, verify
from keyturn.server import jobs
from keyturn.server.jobs import jobs_of
from keyturn.server.sealing import ANCHOR_MS, Sealing
from keyturn.store import open_store


@pytest.fixture(autouse=True)
def no_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the jobs of the server under test to the test: what they do must not depend on how slow the machine is."""
    monkeypatch.setattr(jobs, "jobs_of", lambda *_: ())


async def report(world: World, *expected: str) -> Report:
    """Verify the log."""
    services = world.services
    return await verify(services.store, services.master_keys, now_ms=world.clock.ms, expected=expected)


def heads(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the heads that were logged."""
    lines = [record.getMessage() for record in caplog.records]
    return [line.partition("head=")[2] for line in lines if line.startswith("audit log sealed")]


async def test_a_server_seals_each_second(world: World) -> None:
    """OPS-03: by a job of its own; no request waits for it."""
    await world.login()
    (job,) = [job for job in jobs_of(world.services, world.clock) if job.name == "seal the audit log"]
    assert job.every == 1
    assert (await report(world)).sealed == 0

    await job.work()

    found = await report(world)
    assert (found.findings, found.sealed) == ((), found.entries)


async def test_the_metrics_say_how_far_it_is(world: World) -> None:
    """What is sealed, and what waits for it: alert on the latter."""
    sealing = Sealing(world.services, world.clock)
    world.state.metrics.watch_sealing(sealed=lambda: sealing.sealed, unsealed=lambda: sealing.unsealed)
    value = world.state.metrics.registry.get_sample_value
    await world.login()

    await sealing.work()
    assert value("keyturn_audit_unsealed_entries") == (await report(world)).entries
    world.clock.later(1)
    await sealing.work()

    assert value("keyturn_audit_unsealed_entries") == 0
    assert value("keyturn_audit_sealed_number") == (await report(world)).entries


async def test_the_log_anchors_the_chain(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The newest head at most once a minute, and none twice: with it, what is cut off later is found."""
    caplog.set_level("INFO", "keyturn")
    sealing = Sealing(world.services, world.clock)
    for _ in range(130):
        await world.login("ada") if world.clock.ms % 30_000 == 0 else None
        await sealing.work()
        world.clock.later(1)
    for _ in range(100):
        await sealing.work()
        world.clock.later(1)

    logged = heads(caplog)

    assert len(logged) == len(set(logged)) == 3
    assert logged[-1] == (await report(world)).head
    assert (await report(world, *logged)).findings == ()
    assert ANCHOR_MS == 60_000


async def test_what_must_not_be_is_logged_as_an_error(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A log that was set back; it says what to do, and once."""
    sealing = Sealing(world.services, world.clock)
    await world.login()
    await sealing.work()
    path = world.state.settings.database.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as database:
        database.execute("DELETE FROM audit_seals")
        database.commit()

    for _ in range(3):
        world.clock.later(1)
        await sealing.work()

    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "set back" in line
    assert "keyturn audit verify" in line


async def test_a_server_that_stops_seals_what_is_left(world: World) -> None:
    """So that a log is whole though no server runs; if the database is gone by then, the server stops all the same."""
    await world.login()
    sealing = Sealing(world.services, world.clock)
    await sealing.work()
    await world.login()

    await sealing.finish()

    found = await report(world)
    assert (found.findings, found.sealed) == ((), found.entries)
    world.take_store_down()
    await Sealing(world.services, world.clock).finish()


async def test_nothing_of_a_request_waits_for_a_seal(world: World) -> None:
    """A login and a refusal write their entries, and no seal; a refresh writes neither."""
    tokens = await world.login()
    before = await world.services.store.audit_seals.extent()
    await world.refreshes(tokens["refresh_token"])
    after = await world.services.store.audit_seals.extent()

    assert before.seals == after.seals == 0
    assert before.last == after.last
    store = await open_store(world.state.settings.database.url)
    assert not await store.audit_seals.list_page(0, 1)
    await store.close()
