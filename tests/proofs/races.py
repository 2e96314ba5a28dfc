"""Races over HTTP: requests that start within two milliseconds, over connections that are kept, new or pipelined.

Each race asserts its own outcome. Several go on side by side, each in a lane with users of its own.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Self

from wire import JSON, Answer, Wire, ask, logout_request, me_request, refresh_request, request

from keyturn.core.issue import Issued
from server import PASSWORD, Beside, Server

JITTER_SECONDS = 0.002
LANES = 4
DEALT_AT_ONCE = 80
"""Sessions started for one user at a time; a user may have a hundred."""


@dataclass(slots=True)
class Field:
    """Where races take place: server processes over one database, and connections that are kept to each."""

    servers: Sequence[Server]
    rng: Random
    kept: dict[int, list[Wire]] = field(default_factory=dict)
    opened: set[Wire] = field(default_factory=set)

    @property
    def port(self) -> int:
        """Any of the servers."""
        return self.rng.choice(self.servers).port

    async def present(self, requests: list[bytes]) -> list[Answer]:
        """Send all requests at about the same time, over connections of every kind; return the answers."""
        groups = self._grouped(requests)
        answered = await asyncio.gather(*(self._send(group) for group in groups))
        return [answer for answers in answered for answer in answers]

    async def ask(self, data: bytes) -> Answer:
        """Ask one of the servers, over a connection that is kept."""
        port = self.port
        wire = await self._wire(port)
        answer = await wire.ask(data)
        self.kept[port].append(wire)
        return answer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(wire.close() for wire in self.opened))

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
        wire = await self._wire(port) if keep else await self._new_wire(port)
        await asyncio.sleep(self.rng.uniform(0, JITTER_SECONDS))
        wire.send(b"".join(group))
        answers = [await wire.receive() for _ in group]
        if keep:
            self.kept[port].append(wire)
        else:
            self.opened.discard(wire)
            await wire.close()
        return answers

    async def _wire(self, port: int) -> Wire:
        pool = self.kept.setdefault(port, [])
        return pool.pop(0) if pool else await self._new_wire(port)  # the one idle for longest, so that none grows old

    async def _new_wire(self, port: int) -> Wire:
        wire = await Wire.open(port)
        self.opened.add(wire)
        return wire


@dataclass(slots=True)
class Tally:
    """What was done. *many* counts presentations, or tokens that were handed out while a race went on."""

    rounds: int = 0
    many: int = 0


async def in_lanes(work: Callable[[int], Awaitable[None]]) -> None:
    """Run *work* once for each lane, side by side."""
    async with asyncio.TaskGroup() as lanes:
        for lane in range(LANES):
            lanes.create_task(_as_coroutine(work(lane)))


async def race_presentations(
    ground: Field, beside: Beside, *, at_least: int, most_ways: int, progress: Callable[[str], None]
) -> Tally:
    """Race for the token of session after session, 2 to *most_ways* ways, until there were enough presentations."""
    tally = Tally()

    async def lane(number: int) -> None:
        batch = 0
        while tally.many < at_least:
            batch += 1
            name = f"racer-{number}-{batch}"
            await beside.add_users(name)
            for issued in await beside.log_in(name, DEALT_AT_ONCE):
                if tally.many >= at_least:
                    return
                many = ground.rng.randint(2, most_ways)
                tally.many += many
                answers = await ground.present([refresh_request(issued.refresh_token)] * many)
                await check_one_lineage(ground, issued.refresh_token, answers)
                tally.rounds += 1
                if tally.rounds % 500 == 0:
                    progress(f"round {tally.rounds}, {tally.many} presentations of {at_least}")

    await in_lanes(lane)
    return tally


async def race_logouts(ground: Field, beside: Beside, rounds: int, progress: Callable[[str], None]) -> Tally:
    """Log each session out while it is refreshed."""

    async def leave(issued: Issued, _name: str) -> None:
        by_bearer = request("POST", "/logout", Authorization=f"Bearer {issued.access_token}")
        left = await ground.ask(ground.rng.choice((by_bearer, logout_request(issued.refresh_token))))
        assert left.status == 204

    return await _race_endings(ground, beside, rounds, "leaver", end=leave, progress=progress)


async def race_disables(
    ground: Field, beside: Beside, rounds: int, admin: Issued, progress: Callable[[str], None]
) -> Tally:
    """Disable each user by the admin API while a session of theirs is refreshed, then enable them again."""

    async def disable(issued: Issued, _name: str) -> None:
        answer = await ground.ask(admin_request(admin, f"/admin/api/users/{issued.session.sub}/disable"))
        assert answer.status == 204, answer.body

    async def enable(issued: Issued) -> None:
        answer = await ground.ask(admin_request(admin, f"/admin/api/users/{issued.session.sub}/enable"))
        assert answer.status == 204, answer.body

    return await _race_endings(ground, beside, rounds, "guest", end=disable, progress=progress, after=enable)


async def race_password_changes(ground: Field, beside: Beside, rounds: int, progress: Callable[[str], None]) -> Tally:
    """Change passwords from one session while another is refreshed; the one that changed it goes on."""
    passwords: dict[str, str] = {}

    async def change(_issued: Issued, name: str) -> None:
        (changing,) = await beside.log_in(name, for_issuer=True)
        new = f"password number {ground.rng.randrange(10**9):09}"
        fields = {"current_password": passwords.get(name, PASSWORD), "new_password": new}
        bearer = f"Bearer {changing.access_token}"
        answer = await ground.ask(request("POST", "/password", json.dumps(fields).encode(), JSON, Authorization=bearer))
        assert answer.status == 204, answer.body
        passwords[name] = new
        going_on = await ground.ask(refresh_request(changing.refresh_token))
        assert going_on.status == 200, "the session that changed the password was ended"
        await ground.ask(logout_request(changing.refresh_token))

    return await _race_endings(ground, beside, rounds, "changer", end=change, progress=progress)


def admin_request(admin: Issued, path: str) -> bytes:
    """Return a POST of an administrator."""
    return request("POST", path, Authorization=f"Bearer {admin.access_token}")


async def check_one_lineage(ground: Field, raced: str, answers: list[Answer]) -> None:
    """Assert that all were given the same successor, that it works, and that the raced token then is spent."""
    statuses = {answer.status for answer in answers}
    assert statuses == {200}, f"somebody was refused: {statuses}"
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1, f"more than one lineage: {len(successors)}"
    me = await ground.ask(me_request(answers[-1].json()["access_token"]))
    assert me.status == 200, "the access token is refused"
    following = await ground.ask(refresh_request(successors.pop()))
    assert following.status == 200, "the successor is refused"
    spent = await ground.ask(refresh_request(raced))
    assert (spent.status, spent.json()["error"]) == (400, "invalid_grant"), "a spent token was taken"


async def race_and_wait(server: Server, sessions: list[Issued], rng: Random, grace_seconds: float) -> None:
    """Race for all tokens, let the grace pass, present them once more."""
    async with Field([server], rng) as ground:
        successors = []
        for issued in sessions:
            answers = await ground.present([refresh_request(issued.refresh_token)] * 4)
            assert len({answer.json()["refresh_token"] for answer in answers}) == 1
            successors.append(answers[0].json()["refresh_token"])
        await asyncio.sleep(grace_seconds + 0.1)
        for issued, successor in zip(sessions, successors, strict=True):
            for token in (issued.refresh_token, successor):
                answer = await ask(server.port, refresh_request(token))
                assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")


async def _race_endings(
    ground: Field,
    beside: Beside,
    rounds: int,
    name: str,
    *,
    end: Callable[[Issued, str], Awaitable[None]],
    progress: Callable[[str], None],
    after: Callable[[Issued], Awaitable[None]] | None = None,
) -> Tally:
    """End a session while it is refreshed again and again; nothing of it may work once the ending was answered."""
    tally = Tally()

    async def lane(number: int) -> None:
        its_name = f"{name}-{number}"
        await beside.add_users(its_name)
        while tally.rounds < rounds:
            tally.rounds += 1
            (issued,) = await beside.log_in(its_name)
            refreshing = asyncio.create_task(_keep_refreshing(ground, issued.refresh_token))
            await asyncio.sleep(ground.rng.uniform(0, 2 * JITTER_SECONDS))
            await end(issued, its_name)
            at_once = await ground.ask(refresh_request(issued.refresh_token))
            assert at_once.status == 400, "the token was taken after the ending was answered"
            answers = await refreshing
            await _check_all_dead(ground, issued, answers)
            tally.many += sum(answer.status == 200 for answer in answers)
            if after is not None:
                await after(issued)
            if tally.rounds % 1000 == 0:
                progress(f"{name}: round {tally.rounds} of {rounds}")

    await in_lanes(lane)
    return tally


async def _keep_refreshing(ground: Field, token: str) -> list[Answer]:
    """Refresh in bursts, each time with the newest token, until it is refused: the ending has come."""
    answers: list[Answer] = []
    for _ in range(500):
        burst = await ground.present([refresh_request(token)] * ground.rng.randint(1, 4))
        answers += burst
        assert {answer.status for answer in burst} <= {200, 400}
        good = [answer for answer in burst if answer.status == 200]
        if len(good) < len(burst):
            return answers
        token = good[-1].json()["refresh_token"]
    raise AssertionError("the session survived its ending")


async def _check_all_dead(ground: Field, issued: Issued, answers: list[Answer]) -> None:
    """Assert that neither the session's first tokens nor any handed out since is taken."""
    given = [answer.json() for answer in answers if answer.status == 200]
    for token in {issued.refresh_token, *(body["refresh_token"] for body in given[-4:])}:
        answer = await ground.ask(refresh_request(token))
        assert (answer.status, answer.json()["error"]) == (400, "invalid_grant"), "a refresh token survived"
    for token in {issued.access_token, *(body["access_token"] for body in given[-4:])}:
        answer = await ground.ask(me_request(token))
        assert (answer.status, answer.json()["error"]) == (401, "invalid_token"), "an access token survived"


async def _as_coroutine(work: Awaitable[Any]) -> None:
    await work
