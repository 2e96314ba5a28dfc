"""``GET /metrics``: the counters, and who may see them."""

from collections.abc import Awaitable, Callable

import pytest
from http_world import World

from keyturn.server.observing.metrics import Metrics

MakeWorld = Callable[..., Awaitable[World]]


async def read(world: World, address: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
    """Return status and text of /metrics as *address* sees it."""
    async with world.client(address, **headers) as client:
        response = await client.get("/metrics")
    return response.status_code, response.text


async def test_metrics_are_prometheus_text_under_the_documented_names(world: World) -> None:
    """Logins, refreshes, revocations by result and kind; requests by route template, which names no session."""
    tokens = await world.login()
    await world.refreshes(tokens["refresh_token"])
    async with world.client() as client:
        await client.post("/login", json={"username": "ada", "password": "wrong password"})
        await client.post("/revoke", data={"token": tokens["access_token"]})
        await client.delete(f"/sessions/{tokens['session_id']}")

    status, text = await read(world)

    assert status == 200
    assert 'keyturn_logins_total{result="success"} 1.0' in text
    assert 'keyturn_logins_total{result="invalid_credentials"} 1.0' in text
    assert 'keyturn_refreshes_total{result="success"} 1.0' in text
    assert 'keyturn_revocations_total{kind="jti"} 1.0' in text
    assert 'route="/sessions/{session_id}",status="4xx"' in text
    assert 'keyturn_http_request_duration_seconds_count{method="POST",route="/token",status="2xx"} 1.0' in text
    assert tokens["session_id"] not in text


async def test_metrics_tell_no_version(world: World) -> None:
    """WEB-12: neither ours nor the interpreter's."""
    _, text = await read(world)

    assert "version" not in text
    assert "python" not in text


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_sees_the_metrics(world: World, address: str) -> None:
    """Whatever it calls itself."""
    assert (await read(world, address))[0] == 200


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", "", "testclient"])
async def test_strangers_do_not_see_the_metrics(world: World, address: str) -> None:
    """WEB-13: 403, also for a peer without an address."""
    status, text = await read(world, address)

    assert status == 403
    assert "keyturn_logins" not in text


@pytest.mark.parametrize(
    "header",
    [
        *("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded", "Via"),
        *("X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "True-Client-IP", "CF-Connecting-IP"),
    ],
)
async def test_a_proxy_on_this_machine_that_nobody_named_passes_no_stranger_on(world: World, header: str) -> None:
    """A47: without `trusted_proxies` everybody would look local behind it."""
    assert (await read(world, "127.0.0.1", **{header: "for=192.0.2.7"}))[0] == 403


async def test_named_networks_see_the_metrics(make_world: MakeWorld) -> None:
    """And this machine goes on to."""
    world = await make_world(server={"metrics_from": ["10.1.0.0/16"]})

    assert (await read(world, "10.1.2.3"))[0] == 200
    assert (await read(world, "10.2.0.1"))[0] == 403
    assert (await read(world, "127.0.0.1"))[0] == 200


async def test_behind_a_trusted_proxy_the_stranger_counts(make_world: MakeWorld) -> None:
    """WEB-13: not the proxy, which is in the network."""
    world = await make_world(server={"metrics_from": ["10.1.0.0/16"], "trusted_proxies": ["10.1.0.1"]})

    assert (await read(world, "10.1.0.1", X_Forwarded_For="192.0.2.7"))[0] == 403
    assert (await read(world, "10.1.0.1", X_Forwarded_For="10.1.9.9"))[0] == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
async def test_an_address_in_doubt_sees_no_metrics(make_world: MakeWorld, header: str) -> None:
    """WEB-13: a header that can't be read leaves the proxy, who may see them, and nobody knows who asks."""
    world = await make_world(server={"metrics_from": ["10.1.0.0/16"], "trusted_proxies": ["10.1.0.1"]})

    assert (await read(world, "10.1.0.1", **{header: "unknown"}))[0] == 403
    assert (await read(world, "10.1.0.1"))[0] == 200


async def test_a_second_forwarding_header_opens_nothing(make_world: MakeWorld) -> None:
    """A47: a stranger can't cancel what the proxy says, by saying something else."""
    world = await make_world(server={"metrics_from": ["10.1.0.0/16"], "trusted_proxies": ["10.1.0.1"]})
    told = {"X-Forwarded-For": "192.0.2.7"}

    assert (await read(world, "10.1.0.1", **told, Forwarded="for=198.51.100.1"))[0] == 403
    assert (await read(world, "10.1.0.1", **told, Forwarded="for=10.1.9.9"))[0] == 403


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "auth.example.com"])
async def test_this_machine_asks_by_a_name_of_ours(world: World, host: str) -> None:
    """A name of the loopback, or the issuer's."""
    assert (await read(world, "127.0.0.1", Host=host))[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[::1", "", "x:y:z"])
async def test_a_page_whose_name_leads_here_reads_no_metrics(world: World, host: str) -> None:
    """DNS rebinding: a browser on this machine is not this machine."""
    assert (await read(world, "127.0.0.1", Host=host))[0] == 403


async def test_two_hosts_are_none(world: World) -> None:
    """A56: nobody knows which one was meant."""
    async with world.client("127.0.0.1") as client:
        hosts = [("Host", "localhost"), ("Host", "localhost")]
        assert (await client.get("/metrics", headers=hosts)).status_code == 403


def test_a_peer_makes_no_time_series_of_its_own() -> None:
    """Memory stays bounded whatever methods are sent."""
    metrics = Metrics()
    for number in range(100):
        metrics.observe_request(f"M{number}", "", 404, 0.001)

    (family,) = metrics.request_seconds.collect()
    assert {sample.labels["method"] for sample in family.samples} == {"other"}


def test_two_servers_in_one_process_count_on_their_own() -> None:
    """Nor does an app's own registry see them."""
    one, other = Metrics(), Metrics()
    one.logins("success").inc()

    assert one.registry.get_sample_value("keyturn_logins_total", {"result": "success"}) == 1
    assert other.registry.get_sample_value("keyturn_logins_total", {"result": "success"}) is None
