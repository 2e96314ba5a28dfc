"""A server whose Redis is not there: everything works, and it says so."""

import logging
import socket
from collections.abc import Awaitable, Callable

import pytest
from http_world import World

from keyturn.server.settings import Settings

MakeWorld = Callable[..., Awaitable[World]]


@pytest.fixture
def nobody() -> str:
    """The URL of a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"redis://:hunter2@127.0.0.1:{found.getsockname()[1]}"


async def test_a_server_without_its_redis_works_and_says_so(
    make_world: MakeWorld, nobody: str, caplog: pytest.LogCaptureFixture
) -> None:
    """OPS-07: logins, refreshes and limits go on; /readyz is 200 and names it; log and metrics as well."""
    caplog.set_level(logging.INFO)
    world = await make_world(redis={"url": nobody})
    await world.add_user()
    tokens = await world.login()
    await world.refreshes(tokens["refresh_token"])

    async with world.client("127.0.0.1") as client:
        ready, metrics = await client.get("/readyz"), await client.get("/metrics")
        wrong = {"username": "ada", "password": "wrong password"}
        refused = [(await client.post("/login", json=wrong)).status_code for _ in range(9)]

    assert (ready.status_code, ready.json()["redis"], ready.json()["status"]) == (200, "degraded", "ok")
    assert "keyturn_redis_up 0.0" in metrics.text
    assert 'keyturn_redis_fallbacks_total{how="failed"} 1.0' in metrics.text
    assert 'keyturn_redis_fallbacks_total{how="not_asked"}' in metrics.text
    assert (refused[0], refused[-1]) == (401, 429)
    assert "redis is lost" in caplog.text
    assert "hunter2" not in caplog.text + metrics.text + ready.text


async def test_a_server_without_a_redis_url_says_nothing_of_it(world: World) -> None:
    """Neither /readyz nor /metrics names what is not there."""
    async with world.client("127.0.0.1") as client:
        ready, metrics = await client.get("/readyz"), await client.get("/metrics")

    assert "redis" not in ready.json()
    assert "keyturn_redis_up" not in metrics.text


@pytest.mark.parametrize("url", ["redis://me:hunter2@cache:6379/0", "redis+sentinel://:hun/ter2@hunter2@a,b/service"])
def test_the_settings_hide_who_logs_in(url: str) -> None:
    """OPS-03: `keyturn config show` names the hosts; nothing else shows the URL."""
    settings = Settings(redis={"url": url})  # type: ignore[arg-type]  # as it is read

    (shown,) = (line.value for line in settings.listing() if line.name == "redis.url")

    assert "hunter2" not in shown + repr(settings) + str(settings)
    assert shown.startswith(url.partition("://")[0] + "://********@")
