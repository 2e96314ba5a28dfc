"""Raced over HTTP: many presentations of one refresh token, and refreshes against whatever ends a session.

Two server processes share one database, SQLite or PostgreSQL. A server whose rotation checks first and writes after
must make the same assertions fail.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from backends import BACKENDS, new_database
from races import (
    Field,
    Tally,
    race_and_wait,
    race_disables,
    race_logouts,
    race_password_changes,
    race_presentations,
)

from server import Beside, Installation, Server, beside, install, serving

pytestmark = pytest.mark.slow

MOST_WAYS = 64
SHORT_GRACE_SECONDS = 3

Race = Callable[[Field, Beside], Awaitable[Tally]]


@pytest.fixture(scope="module", params=BACKENDS)
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """One database for the races, and tokens that outlive them."""
    return install(
        tmp_path_factory.mktemp("races"),
        new_database(request.param),
        KEYTURN_REFRESH_TOKEN_GRACE="10m",
        KEYTURN_ACCESS_TOKEN_LIFETIME="60m",
        KEYTURN_ROLES='{"user": ["orders:read"], "admin": []}',
    )


@pytest.fixture(scope="module")
def servers(installation: Installation) -> Iterator[list[Server]]:
    """Two processes on it."""
    with serving(installation) as one, serving(installation.at_another_port()) as other:
        yield [one, other]


@pytest.fixture
def run(installation: Installation, servers: list[Server], seed: int) -> Callable[[Race], Tally]:
    """Run a race against both."""

    async def run_it(race: Race) -> Tally:
        async with beside(installation) as opened, Field(servers, Random(seed)) as ground:
            return await race(ground, opened)

    return lambda race: asyncio.run(run_it(race))


@pytest.fixture
def place(installation: Installation) -> str:
    """Where: for the lines that are said."""
    return installation.database_url.partition(":")[0]


def test_parallel_presentations_make_one_lineage(
    run: Callable[[Race], Tally], installation: Installation, place: str, full: bool, say: Callable[[str], None]
) -> None:
    """REF-03, A34: 2 to 64 at once, over two processes: one successor for all, which works; nobody is logged out."""
    wanted = 100_000 if full else 4000

    tally = run(
        lambda ground, opened: race_presentations(ground, opened, at_least=wanted, most_ways=MOST_WAYS, progress=say)
    )

    generations = installation.query(
        "SELECT generation, count(*) FROM sessions JOIN users USING (sub)"
        " WHERE username LIKE 'racer%' AND ended_at IS NOT NULL GROUP BY 1"
    )
    assert generations == [(3, tally.rounds)], "a session was moved twice by one token, or not at all"
    say(
        f"races on {place}: {tally.rounds} rounds, {tally.many} presentations, {tally.rounds} lineages,"
        " 0 double spends, 0 wrong logouts"
    )


def test_nothing_survives_a_logout_that_races_refreshes(
    run: Callable[[Race], Tally], place: str, full: bool, say: Callable[[str], None]
) -> None:
    """REF-13, A37: after the answer to a logout no token of the session works, whatever was refreshed meanwhile."""
    tally = run(lambda ground, opened: race_logouts(ground, opened, rounds_of(full), say))
    say_survivors(say, "logout", place, tally)


def test_nothing_survives_disabling_a_user_that_races_refreshes(
    run: Callable[[Race], Tally], place: str, full: bool, say: Callable[[str], None]
) -> None:
    """REF-12, A37: after the answer to an administrator no token of the user works."""

    async def race(ground: Field, opened: Beside) -> Tally:
        await opened.add_users("root", roles=("admin",))
        (admin,) = await opened.log_in("root", for_issuer=True)
        return await race_disables(ground, opened, rounds_of(full), admin, say)

    say_survivors(say, "disable", place, run(race))


def test_nothing_survives_a_change_of_password_that_races_refreshes(
    run: Callable[[Race], Tally], place: str, full: bool, say: Callable[[str], None]
) -> None:
    """REF-12, A37: after the answer no token of another session works; the session that changed it goes on."""
    tally = run(lambda ground, opened: race_password_changes(ground, opened, rounds_of(full), say))
    say_survivors(say, "password change", place, tally)


def test_after_a_short_grace_the_raced_token_is_refused(
    tmp_path: Path, full: bool, seed: int, say: Callable[[str], None]
) -> None:
    """REF-04, A34: once the grace is over, the token that was raced for is reuse and its session ends."""
    rounds = 40 if full else 8
    installation = install(tmp_path / "short", KEYTURN_REFRESH_TOKEN_GRACE=f"{SHORT_GRACE_SECONDS}s")

    async def start_sessions() -> Any:
        async with beside(installation) as opened:
            await opened.add_users("racer")
            return await opened.log_in("racer", rounds)

    sessions = asyncio.run(start_sessions())
    with serving(installation) as server:
        asyncio.run(race_and_wait(server, sessions, Random(seed), SHORT_GRACE_SECONDS))

    assert installation.query("SELECT end_reason, count(*) FROM sessions GROUP BY end_reason") == [("reused", rounds)]
    say(f"short grace: {rounds} lineages, each ended by its raced token after {SHORT_GRACE_SECONDS} s")


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_races_see_a_rotation_that_checks_first_and_writes_after(tmp_path: Path, backend: str, seed: int) -> None:
    """A34: the proof can fail: a planted double spend makes the same assertions red."""
    installation = install(tmp_path / "planted", new_database(backend))
    launcher = str(Path(__file__).with_name("planted_server.py"))

    async def race(server: Server) -> None:
        async with beside(installation) as opened, Field([server], Random(seed)) as ground:
            await race_presentations(ground, opened, at_least=1000, most_ways=MOST_WAYS, progress=lambda _: None)

    with serving(installation, [launcher]) as server, pytest.raises(ExceptionGroup) as found:
        asyncio.run(race(server))

    assert found.group_contains(AssertionError, match=r"lineage|refused")


def rounds_of(full: bool) -> int:
    """Return how often something is raced against refreshes."""
    return 10_000 if full else 60


def say_survivors(say: Callable[[str], None], what: str, place: str, tally: Tally) -> None:
    """Print what came of a race."""
    assert tally.many, "nothing was refreshed meanwhile: there was no race"
    given = f"{tally.many} tokens handed out meanwhile"
    say(f"{what} against refresh on {place}: {tally.rounds} rounds, {given}, 0 survived")
