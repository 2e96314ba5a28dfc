"""PWD-08, A49: while strangers flood the login, sessions are refreshed and keys are fetched as if nobody were there.

Here the bounds are wide, for any machine that runs the tests; the figures are P7's of ``make bench``.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from time import perf_counter

import pytest
from guesses import guess
from wire import Answer, Wire, refresh_request, request

from server import SERVE, Installation, Server, add_users, install, log_in, serving

pytestmark = pytest.mark.slow

LAUNCHER = str(Path(__file__).with_name("planted_login.py"))
FLOOD, ASKED = 80, 60
"""Logins at once, more than one thread hashes and lets wait; and how often is asked meanwhile."""

SMALL_FLOOD, ASKED_SLOWLY = 48, 2
MOST_SECONDS = 0.3

AS_IT_SHIPS = {"KEYTURN_PASSWORD_MEMORY_KIB": "19456", "KEYTURN_PASSWORD_TIME_COST": "2"}
ONE_THREAD = {"KEYTURN_PASSWORD_CONCURRENCY": "1"}

Say = Callable[[str], None]


@dataclass(slots=True)
class Flood:
    """What came of it: seconds that refreshes and key sets took, and what the logins were answered."""

    refreshes: list[float] = field(default_factory=list)
    key_sets: list[float] = field(default_factory=list)
    logins: Counter[int] = field(default_factory=Counter)


def test_a_flood_of_logins_delays_neither_refreshes_nor_the_key_set(tmp_path: Path, say: Say) -> None:
    """PWD-08, A49: nine in ten are there in a fraction of a second; what can't be hashed soon is 503."""
    flood = flooded(tmp_path, SERVE, FLOOD, ASKED)

    for what, seconds in (("refresh", flood.refreshes), ("key set", flood.key_sets)):
        say(f"{what} meanwhile: p50 {p(seconds, 50) * 1000:.1f} ms, p90 {p(seconds, 90) * 1000:.1f} ms")
        assert p(seconds, 90) < MOST_SECONDS
    assert set(flood.logins) == {401, 503}
    assert flood.logins[401] > 10


def test_the_flood_shows_a_server_that_hashes_on_its_event_loop(tmp_path: Path, say: Say) -> None:
    """PWD-08: the proof can fail: there each of them waits for every login that came before it."""
    flood = flooded(tmp_path, (LAUNCHER, "blocking"), SMALL_FLOOD, ASKED_SLOWLY)

    say(f"planted: refresh p50 {p(flood.refreshes, 50) * 1000:.0f} ms")
    assert p(flood.refreshes, 50) > MOST_SECONDS


def p(seconds: Sequence[float], percent: int) -> float:
    """Return a percentile."""
    return quantiles(seconds, n=100)[percent - 1]


def flooded(folder: Path, command: Sequence[str], logins: int, asked: int) -> Flood:
    """Serve, flood, and ask for refreshes and key sets meanwhile."""
    installation = install(folder / "flood", **AS_IT_SHIPS, **ONE_THREAD)
    add_users(installation, "alice")
    with serving(installation, command) as server:
        return asyncio.run(ask_in_the_flood(installation, server, logins, asked))


async def ask_in_the_flood(installation: Installation, server: Server, logins: int, asked: int) -> Flood:
    """Flood, and ask one by one, refreshes and key sets in turn."""
    (session,) = await asyncio.to_thread(log_in, installation, "alice")
    flood, token = Flood(), session.refresh_token
    async with flooding(server, logins, flood.logins):
        wire = await Wire.open(server.port)
        for _ in range(asked):
            answer = await timed(flood.refreshes, wire.ask(refresh_request(token)))
            token = answer.json()["refresh_token"]
            await timed(flood.key_sets, wire.ask(request("GET", "/.well-known/jwks.json")))
        await wire.close()
    return flood


async def timed(seconds: list[float], asking: Awaitable[Answer]) -> Answer:
    """Return an answer that has to be a good one, and note how long it took."""
    began = perf_counter()
    answer = await asking
    seconds.append(perf_counter() - began)
    assert answer.status == 200, answer.body
    return answer


@asynccontextmanager
async def flooding(server: Server, logins: int, statuses: Counter[int]) -> AsyncIterator[None]:
    """Try wrong passwords all the time, so many at once that the server has to turn some away."""

    async def stream(number: int) -> None:
        wire = await Wire.open(server.port)
        try:
            while True:
                answer = await wire.ask(guess(f"user{number}"))
                statuses[answer.status] += 1
        finally:
            await wire.close()

    streams = [asyncio.create_task(stream(number)) for number in range(logins)]
    await asyncio.sleep(0.5)
    try:
        yield
    finally:
        for each in streams:
            each.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
