"""Raced over HTTP: many presentations of one refresh token, and refreshes against a logout or a change of password.

Two server processes share one database. Connections are kept, new or pipelined, and everybody starts within two
milliseconds. A server whose rotation checks first and writes after must make the same assertions fail.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Self

import pytest
from wire import JSON, Answer, Wire, ask, logout_request, me_request, refresh_request, request

from keyturn.core.issue import Issued
from server import PASSWORD, Installation, Server, add_users, install, log_in, serving

pytestmark = pytest.mark.slow

JITTER_SECONDS = 0.002
MOST = 32
PER_USER = 90
SHORT_GRACE_SECONDS = 3


@dataclass(slots=True)
class Field:
    """Where races take place: server processes over one database, and connections that are kept to each."""

    servers: list[Server]
    rng: Random
    kept: dict[int, list[Wire]] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """Any of the servers."""
        return self.rng.choice(self.servers).port

    async def present(self, requests: list[bytes]) -> list[Answer]:
        """Send all requests at about the same time, over connections of every kind; return the answers."""
        groups = self._grouped(requests)
        answered = await asyncio.gather(*(self._send(group) for group in groups))
        return [answer for answers in answered for answer in answers]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(wire.close() for wires in self.kept.values() for wire in wires))

    def _grouped(self, requests: list[bytes]) -> list[list[bytes]]:
        """Return groups of one to four: what goes down one connection without waiting."""
        groups, left = [], list(requests)
        while left:
            size = self.rng.choice((1, 1, 1, 2, 4))
            groups.append(left[:size])
            left = left[size:]
        return groups

    async def _send(self, group: list[bytes]) -> list[Answer]:
        port, keep = self.port, self.rng.random() < 0.6
        pool = self.kept.setdefault(port, [])
        wire = pool.pop() if keep and pool else await Wire.open(port)
        await asyncio.sleep(self.rng.uniform(0, JITTER_SECONDS))
        wire.send(b"".join(group))
        answers = [await wire.receive() for _ in group]
        if keep:
            pool.append(wire)
        else:
            await wire.close()
        return answers


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """One database for the races."""
    return install(tmp_path_factory.mktemp("races"), KEYTURN_REFRESH_TOKEN_GRACE="10m")


@pytest.fixture(scope="module")
def servers(installation: Installation) -> Iterator[list[Server]]:
    """Two processes on it."""
    with serving(installation) as one, serving(installation.at_another_port()) as other:
        yield [one, other]


def test_parallel_presentations_make_one_lineage(
    installation: Installation, servers: list[Server], full: bool, seed: int, say: Callable[[str], None]
) -> None:
    """REF-03, A34: 2 to 32 at once, over two processes: one successor for all, which works; nobody is logged out."""
    rounds = 2000 if full else 150
    sessions = sessions_for(installation, rounds, "racer")

    presented = asyncio.run(race_all(servers, sessions, Random(seed), say))

    generations = installation.query(
        "SELECT generation, count(*) FROM sessions JOIN users USING (sub) WHERE username LIKE 'racer%' GROUP BY 1"
    )
    assert generations == [(3, rounds)], "a session was moved twice by one token, or not at all"
    say(f"races: {rounds} rounds, {presented} presentations, {rounds} lineages, 0 double spends, 0 wrong logouts")


def test_after_a_short_grace_the_raced_token_is_refused(
    tmp_path: Path, full: bool, seed: int, say: Callable[[str], None]
) -> None:
    """REF-04, A34: once the grace is over, the token that was raced for is reuse and its session ends."""
    rounds = 40 if full else 8
    installation = install(tmp_path / "short", KEYTURN_REFRESH_TOKEN_GRACE=f"{SHORT_GRACE_SECONDS}s")
    sessions = sessions_for(installation, rounds, "racer")
    with serving(installation) as server:
        asyncio.run(race_and_wait(server, sessions, Random(seed)))
    assert installation.query("SELECT end_reason, count(*) FROM sessions GROUP BY end_reason") == [("reused", rounds)]
    say(f"short grace: {rounds} lineages, each ended by its raced token after {SHORT_GRACE_SECONDS} s")


def test_nothing_survives_a_logout_that_races_refreshes(
    installation: Installation, servers: list[Server], full: bool, seed: int, say: Callable[[str], None]
) -> None:
    """REF-13, A37: after the answer to a logout no token of the session works, whatever was refreshed meanwhile."""
    rounds = 500 if full else 40
    sessions = sessions_for(installation, rounds, "leaver")

    handed_out = asyncio.run(race_logouts(servers, sessions, Random(seed)))

    say(f"logout against refresh: {rounds} rounds, {handed_out} tokens handed out meanwhile, 0 survived")


def test_nothing_survives_a_change_of_password_that_races_refreshes(
    installation: Installation, servers: list[Server], full: bool, seed: int, say: Callable[[str], None]
) -> None:
    """REF-12, A37: after the answer no token of another session works; the session that changed it goes on."""
    rounds = 500 if full else 20
    names = [f"changer-{number}" for number in range(10)]
    add_users(installation, *names)

    handed_out = asyncio.run(race_password_changes(installation, servers, names, rounds, Random(seed)))

    say(f"password change against refresh: {rounds} rounds, {handed_out} tokens handed out meanwhile, 0 survived")


def test_the_races_see_a_rotation_that_checks_first_and_writes_after(tmp_path: Path, seed: int) -> None:
    """A34: the proof can fail: a planted double spend makes the same assertions red."""
    installation = install(tmp_path / "planted")
    sessions = sessions_for(installation, 20, "racer")
    launcher = str(Path(__file__).with_name("planted_server.py"))

    with serving(installation, [launcher]) as server, pytest.raises(AssertionError, match=r"lineage|refused"):
        asyncio.run(race_all([server], sessions, Random(seed), lambda _: None))


def sessions_for(installation: Installation, many: int, name: str) -> list[Issued]:
    """Start *many* sessions of as many users as that takes."""
    sessions: list[Issued] = []
    for number in range(-(-many // PER_USER)):
        add_users(installation, f"{name}-{number}")
        sessions += log_in(installation, f"{name}-{number}", min(PER_USER, many - len(sessions)))
    return sessions


async def race_all(servers: list[Server], sessions: list[Issued], rng: Random, say: Callable[[str], None]) -> int:
    """Race for each session's token once; return how many presentations there were."""
    presented = 0
    async with Field(servers, rng) as ground:
        for number, issued in enumerate(sessions, start=1):
            many = rng.randint(2, MOST)
            answers = await ground.present([refresh_request(issued.refresh_token)] * many)
            await check_one_lineage(ground, issued.refresh_token, answers)
            presented += many
            if number % 250 == 0:
                say(f"round {number} of {len(sessions)}, {presented} presentations")
    return presented


async def check_one_lineage(ground: Field, raced: str, answers: list[Answer]) -> None:
    """Assert that all were given the same successor, that it works, and that the raced token then is spent."""
    statuses = {answer.status for answer in answers}
    assert statuses == {200}, f"somebody was refused: {statuses}"
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1, f"more than one lineage: {len(successors)}"
    me = await ask(ground.port, me_request(answers[-1].json()["access_token"]))
    assert me.status == 200, "the access token is refused"
    following = await ask(ground.port, refresh_request(successors.pop()))
    assert following.status == 200, "the successor is refused"
    spent = await ask(ground.port, refresh_request(raced))
    assert (spent.status, spent.json()["error"]) == (400, "invalid_grant"), "a spent token was taken"


async def race_and_wait(server: Server, sessions: list[Issued], rng: Random) -> None:
    """Race for all tokens, let the grace pass, present them once more."""
    async with Field([server], rng) as ground:
        successors = []
        for issued in sessions:
            answers = await ground.present([refresh_request(issued.refresh_token)] * 4)
            assert len({answer.json()["refresh_token"] for answer in answers}) == 1
            successors.append(answers[0].json()["refresh_token"])
        await asyncio.sleep(SHORT_GRACE_SECONDS + 0.1)
        for issued, successor in zip(sessions, successors, strict=True):
            for token in (issued.refresh_token, successor):
                answer = await ask(server.port, refresh_request(token))
                assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")


async def race_logouts(servers: list[Server], sessions: list[Issued], rng: Random) -> int:
    """Log each session out while it is refreshed; return how many tokens were handed out meanwhile."""
    handed_out = 0
    async with Field(servers, rng) as ground:
        for issued in sessions:
            by_bearer = request("POST", "/logout", Authorization=f"Bearer {issued.access_token}")
            leave = rng.choice((by_bearer, logout_request(issued.refresh_token)))
            refreshing = asyncio.create_task(
                ground.present([refresh_request(issued.refresh_token)] * rng.randint(1, 8))
            )
            await asyncio.sleep(rng.uniform(0, 2 * JITTER_SECONDS))
            left = await ask(ground.port, leave)
            assert left.status == 204
            at_once = await ask(ground.port, refresh_request(issued.refresh_token))
            assert at_once.status == 400, "the token was taken after the answer to the logout"
            answers = await refreshing
            assert {answer.status for answer in answers} <= {200, 400}
            await check_all_dead(ground, issued, answers)
            handed_out += sum(answer.status == 200 for answer in answers)
    return handed_out


async def race_password_changes(
    installation: Installation, servers: list[Server], names: list[str], rounds: int, rng: Random
) -> int:
    """Change passwords from one session while another is refreshed; return how many tokens it got meanwhile."""
    handed_out = 0
    async with Field(servers, rng) as ground:
        passwords = dict.fromkeys(names, PASSWORD)
        for number in range(rounds):
            name = names[number % len(names)]
            (changing,) = await asyncio.to_thread(log_in, installation, name, for_issuer=True)
            (other,) = await asyncio.to_thread(log_in, installation, name)
            new = f"password number {number:06}"
            change = request(
                "POST",
                "/password",
                json.dumps({"current_password": passwords[name], "new_password": new}).encode(),
                JSON,
                Authorization=f"Bearer {changing.access_token}",
            )
            changed, answers = await asyncio.gather(
                ask(ground.port, change), keep_refreshing(ground, other.refresh_token, rng)
            )
            assert changed.status == 204, changed.body
            passwords[name] = new
            await check_all_dead(ground, other, answers)
            handed_out += sum(answer.status == 200 for answer in answers)
            going_on = await ask(ground.port, refresh_request(changing.refresh_token))
            assert going_on.status == 200, "the session that changed the password was ended"
    return handed_out


async def keep_refreshing(ground: Field, token: str, rng: Random) -> list[Answer]:
    """Refresh in bursts, each time with the newest token, until it is refused: the change has come."""
    answers: list[Answer] = []
    for _ in range(500):
        burst = await ground.present([refresh_request(token)] * rng.randint(1, 4))
        answers += burst
        good = [answer for answer in burst if answer.status == 200]
        if len(good) < len(burst):
            assert {answer.status for answer in burst} <= {200, 400}
            return answers
        token = good[-1].json()["refresh_token"]
    raise AssertionError("the session survived the change of the password")


async def check_all_dead(ground: Field, issued: Issued, answers: list[Answer]) -> None:
    """Assert that neither the session's first tokens nor any handed out since is taken."""
    given = [answer.json() for answer in answers if answer.status == 200]
    refresh_tokens = {issued.refresh_token, *(body["refresh_token"] for body in given[-8:])}
    access_tokens = {issued.access_token, *(body["access_token"] for body in given[-8:])}
    for token in refresh_tokens:
        answer = await ask(ground.port, refresh_request(token))
        assert (answer.status, answer.json()["error"]) == (400, "invalid_grant"), "a refresh token survived"
    for token in access_tokens:
        answer = await ask(ground.port, me_request(token))
        assert (answer.status, answer.json()["error"]) == (401, "invalid_token"), "an access token survived"
