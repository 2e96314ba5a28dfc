"""``GET /readyz``: the clock of this host. What else it looks at is in test_app."""

import pytest
from http_world import World

from keyturn.server.jobs import correct_clock


async def ready(world: World) -> tuple[int, dict[str, object]]:
    """Return the status and the body."""
    async with world.client() as client:
        response = await client.get("/readyz")
    return response.status_code, response.json()


async def test_the_offset_of_the_clock_is_told(world: World) -> None:
    """Three seconds are no reason to send nobody here."""
    world.clock.offset_ms = -3_000

    status, body = await ready(world)

    assert (status, body["status"], body["clock"]) == (200, "ok", {"offset_ms": -3_000})


async def test_a_clock_that_is_far_off_is_not_ready(world: World) -> None:
    """The body says that it is the clock, and that nothing else is wrong."""
    world.clock.offset_ms = 10_000

    status, body = await ready(world)

    assert (status, body["status"], body["clock"]) == (503, "unavailable", {"status": "off", "offset_ms": 10_000})
    assert (body["database"], body["signing_key"]) == ("ok", "ok")


async def test_the_metric_follows_the_clock(world: World) -> None:
    """In seconds."""
    world.clock.offset_ms = -1_500

    assert world.state.metrics.registry.get_sample_value("keyturn_clock_offset_seconds") == -1.5


async def test_a_clock_that_is_off_is_one_line_of_the_log(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so is its end."""
    caplog.set_level("INFO", "keyturn")
    ahead_ms = iter(each for each in (10_000, 10_000, 10_000, 3_000, 3_000) for _ in range(3))

    async def database_ms() -> int:
        return world.clock.system_ms() + next(ahead_ms)

    monkeypatch.setattr(world.services.store, "now_ms", database_ms)
    for _ in range(5):
        await correct_clock(world.services, world.clock)

    lines = [record.getMessage().split(" offset_ms=")[0] for record in caplog.records]
    assert lines == ["clock of this host is off", "clock of this host is right again"]
