"""Native clients that refresh without a pause, at one server after the other, as behind a load balancer.

A connection that breaks, or a 503, says nothing about a token: it is presented again, at the next server.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from wire import JSON, Answer, ask, refresh_request, request

from server import PASSWORD, Server

BROKEN = (OSError, asyncio.IncompleteReadError)
MOST_TRIES = 500


@dataclass(slots=True)
class Round:
    """Servers that take turns; which ones they are may change at any time."""

    servers: list[Server]
    turns: "count[int]" = field(default_factory=count)
    retries: int = 0

    async def ask(self, data: bytes) -> Answer:
        """Ask the next server, and the one after it for as long as one is not there."""
        for _ in range(MOST_TRIES):
            server = self.servers[next(self.turns) % len(self.servers)]
            try:
                answer = await ask(server.port, data)
            except BROKEN:
                pass
            else:
                if answer.status != 503:
                    return answer
            self.retries += 1
            await asyncio.sleep(0.02)
        raise AssertionError("no server answers")


@dataclass(slots=True)
class Client:
    """A login. *refresh_token* is the newest one."""

    round: Round
    refresh_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refreshes: int = 0

    async def refresh(self) -> None:
        """Exchange the refresh token."""
        answer = await self.round.ask(refresh_request(self.refresh_token))
        assert answer.status == 200, f"a client in order was refused: {answer.body!r}"
        body = answer.json()
        self.refresh_token, self.access_token = body["refresh_token"], body["access_token"]
        self.refreshes += 1


async def log_in_at(round_: Round, name: str, resource: str | None = None) -> Client:
    """Log in with the password, over HTTP."""
    fields = {"username": name, "password": PASSWORD, "client": "native"}
    body = json.dumps(fields | ({"resource": resource} if resource else {})).encode()
    answer = await round_.ask(request("POST", "/login", body, JSON))
    assert answer.status == 200, answer.body
    given = answer.json()
    return Client(round_, given["refresh_token"], given["access_token"])


async def keep_refreshing(
    clients: Sequence[Client], over: asyncio.Event, use: Callable[[Client], Awaitable[None]], pause: float
) -> None:
    """Let all refresh, each *pause* seconds after its last answer, and *use* what they got, until it is *over*."""

    async def live(client: Client) -> None:
        while not over.is_set():
            await client.refresh()
            await use(client)
            await asyncio.sleep(pause)

    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(live(client))
