"""Hosts whose clocks differ share one database. They go by its clock, so that nobody is taken for a thief."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from backends import new_database
from races import Field, race_logouts, race_presentations
from wire import Answer, ask, me_request, refresh_request, request

from keyturn import Verifier
from keyturn.core.issue import Issued
from server import AUDIENCE, Beside, Installation, Server, beside, install, serving

pytestmark = pytest.mark.slow

SHIFTED_SERVER = str(Path(__file__).with_name("shifted_server.py"))
OFF_SECONDS = 3
FAR_OFF_SECONDS = 10
GRACE_SECONDS = 4
"""Less than the clocks of the two hosts differ by, and long enough for a machine that is busy."""

BURST = 10
PATIENCE_SECONDS = 30.0
SETTINGS: Final = {"KEYTURN_REFRESH_TOKEN_GRACE": f"{GRACE_SECONDS}s"}


def test_parallel_presentations_at_hosts_whose_clocks_differ_are_no_theft(
    tmp_path: Path, full: bool, seed: int
) -> None:
    """A59, REF-03: one lineage, and after a logout at either host nothing works at the other."""
    presentations, logouts = (10_000, 500) if full else (400, 16)

    async def race(opened: Beside, servers: Sequence[Server]) -> None:
        async with Field(servers, Random(seed)) as ground:
            await race_presentations(ground, opened, at_least=presentations, most_ways=8, progress=lambda _: None)
            await race_logouts(ground, opened, logouts, lambda _: None)

    with hosts(tmp_path, OFF_SECONDS, -OFF_SECONDS, KEYTURN_REFRESH_TOKEN_GRACE="1m") as (installation, servers):
        assert [answer_of(server)["clock"].get("status") for server in servers] == [None, None]
        assert_offsets(servers, (OFF_SECONDS, -OFF_SECONDS))
        run(installation, servers, race)


def test_the_grace_lasts_as_long_at_either_host(tmp_path: Path) -> None:
    """A59, REF-04: a lost answer can be had again at the other host, and a theft is seen there once that is over."""
    with hosts(tmp_path, OFF_SECONDS, -OFF_SECONDS, **SETTINGS) as (installation, servers):
        run(installation, servers, replay_across)


def test_a_limit_counts_alike_at_either_host(tmp_path: Path) -> None:
    """A59: requests that take turns spend one limit: no sooner, and no later."""

    async def spend(opened: Beside, servers: Sequence[Server]) -> None:
        await opened.add_users("alice")
        (issued,) = await opened.log_in("alice")
        token, turns = issued.refresh_token, [*servers] * BURST
        for server in turns[:BURST]:
            token = successor(await ask(server.port, refresh_request(token)))
        refused = [await ask(server.port, refresh_request(token)) for server in servers]
        assert [answer.status for answer in refused] == [429, 429]
        assert all(0 < int(answer.header("retry-after") or 0) <= 60 for answer in refused)

    limit = {"KEYTURN_RATE_LIMIT_REFRESH_PER_SESSION": f"{BURST}/10m"}
    with hosts(tmp_path, OFF_SECONDS, -OFF_SECONDS, **limit) as (installation, servers):
        run(installation, servers, spend)


def test_tokens_are_good_wherever_they_are_shown(tmp_path: Path) -> None:
    """A59, VER-26: tokens of either host are good at both, and for APIs whose clocks are off as much, either way."""

    async def show(opened: Beside, servers: Sequence[Server]) -> None:
        await opened.add_users("alice")
        issued = await opened.log_in("alice", 4)
        answers = [
            await ask(servers[place % 2].port, refresh_request(each.refresh_token)) for place, each in enumerate(issued)
        ]
        texts = [answer.json()["access_token"] for answer in answers]
        for server in servers:
            assert {(await ask(server.port, me_request(text))).status for text in texts} == {200}
        await asyncio.to_thread(verify_by_clocks_that_are_off, servers[0], texts)

    with hosts(tmp_path, OFF_SECONDS, -OFF_SECONDS) as (installation, servers):
        run(installation, servers, show)


def test_a_clock_that_is_far_off_is_said_and_makes_no_thief_either(tmp_path: Path, seed: int) -> None:
    """A59: by ten seconds `/readyz` answers 503 and names the clock; what is served meanwhile is right."""
    installation = install(tmp_path, new_database("postgresql"), KEYTURN_LOG_LEVEL="warning")

    async def race(opened: Beside, servers: Sequence[Server]) -> None:
        async with Field(servers, Random(seed)) as ground:
            await race_presentations(ground, opened, at_least=200, most_ways=8, progress=lambda _: None)
            await race_logouts(ground, opened, 8, lambda _: None)

    with far_off(installation.at_another_port()) as wrong, serving(installation) as right:
        run(installation, [wrong, right], race)
        said = answer_of(wrong)
        assert (said["status"], said["clock"]["status"]) == ("unavailable", "off")
        assert abs(said["clock"]["offset_ms"] + FAR_OFF_SECONDS * 1000) < 1000
        assert (said["database"], said["signing_key"]) == ("ok", "ok")
        assert "clock of this host is off" in wrong.log.read_text()


def test_these_proofs_see_hosts_that_go_by_their_own_clocks(tmp_path: Path) -> None:
    """The proof can fail: without the database's clock a lost answer at the other host is taken for a theft."""
    with (
        hosts(tmp_path, OFF_SECONDS, -OFF_SECONDS, "uncorrected", **SETTINGS) as (installation, servers),
        pytest.raises(AssertionError, match="theft"),
    ):
        run(installation, servers, replay_across)


async def replay_across(opened: Beside, servers: Sequence[Server]) -> None:
    """Replay a token at the other host within the grace, and once more when it is over."""
    await opened.add_users("alice")
    issued = await opened.log_in("alice", 20)
    await asyncio.gather(
        *(replay_one(each, servers[place % 2], servers[1 - place % 2]) for place, each in enumerate(issued))
    )


async def replay_one(issued: Issued, one: Server, other: Server) -> None:
    """Replay one token."""
    began = time.monotonic()
    following = successor(await ask(one.port, refresh_request(issued.refresh_token)))
    await asyncio.sleep(GRACE_SECONDS / 4)
    again = await ask(other.port, refresh_request(issued.refresh_token))
    if time.monotonic() - began < GRACE_SECONDS:  # else the machine was so busy that the grace was over
        assert again.status == 200, "a lost answer was taken for a theft"
        assert again.json()["refresh_token"] == following
    await asyncio.sleep(GRACE_SECONDS + 0.5)
    late = await ask(other.port, refresh_request(issued.refresh_token))
    assert late.status == 400, "a theft was not seen"
    assert (await ask(one.port, refresh_request(following))).status == 400, "a theft did not end the session"


@contextmanager
def hosts(
    folder: Path, one: int, other: int, *fault: str, **settings: str
) -> Iterator[tuple[Installation, list[Server]]]:
    """Run a server on each of two hosts whose clocks are off by so many seconds."""
    installation = install(folder, new_database("postgresql"), **settings)
    with (
        serving(installation, [SHIFTED_SERVER, str(one), *fault]) as first,
        serving(installation.at_another_port(), [SHIFTED_SERVER, str(other), *fault]) as second,
    ):
        yield installation, [first, second]


@contextmanager
def far_off(installation: Installation) -> Iterator[Server]:
    """Run a server that never says that it is ready; wait until it says that it is not."""
    server = Server(installation, [SHIFTED_SERVER, str(FAR_OFF_SECONDS)])
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError):
                if asyncio.run(ask(server.port, request("GET", "/readyz"))).status == 503:
                    break
            time.sleep(0.02)
        yield server
    finally:
        server.stop()


def run(installation: Installation, servers: Sequence[Server], work: Any) -> None:
    """Do *work* with the flows beside the servers, in this process, whose clock is right."""

    async def do() -> None:
        async with beside(installation) as opened:
            await work(opened, servers)

    asyncio.run(do())


def verify_by_clocks_that_are_off(server: Server, texts: Sequence[str]) -> None:
    """Verify the tokens as APIs do, with the leeway that they have by default."""
    for off in (0, OFF_SECONDS, -OFF_SECONDS):
        with Verifier(server.installation.issuer, AUDIENCE, clock=lambda off=off: time.time() + off) as verifier:
            for text in texts:
                assert verifier.verify(text).sub


def assert_offsets(servers: Sequence[Server], off: Sequence[int]) -> None:
    """Assert that each knows by how much its host's clock is off; the other way round, it is what is added."""
    for server, seconds in zip(servers, off, strict=True):
        assert abs(answer_of(server)["clock"]["offset_ms"] + seconds * 1000) < 1000


def answer_of(server: Server) -> Any:
    """Return what ``/readyz`` says."""
    return asyncio.run(ask(server.port, request("GET", "/readyz"))).json()


def successor(answer: Answer) -> str:
    """Return the refresh token of a good answer."""
    assert answer.status == 200, f"a client in order was refused: {answer.body!r}"
    return str(answer.json()["refresh_token"])
