"""A population that lives on a server: clients refresh, sessions log out, people log in, APIs verify.

They do what good ones do. A client that gets 503, or no answer, asks again with the same token; whoever wants to log
out asks until it is acknowledged. Any other refusal of a client in order is a failure at once.
"""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from wire import JSON, Answer, ask, logout_request, me_request, refresh_request, request

from keyturn import InvalidToken, KeyturnError, Revocations, Verifier, VerifierUnavailable
from keyturn.core.issue import Issued
from server import AUDIENCE, PASSWORD, SERVE, Installation, Server, beside

CLIENTS = 12
LEAVERS = 80
LEAVING_USERS = 4
ANSWER_SECONDS = 10.0
"""How long one answer is waited for; then the client asks anew."""

PAUSE_SECONDS = 0.25
"""How long a client waits after a 503 at the most, whatever it was told: so that a recovery is seen soon."""

PATIENCE_SECONDS = 60.0
NO_LIMIT = {"KEYTURN_RATE_LIMIT_LOGIN_PER_ACCOUNT": "1000000/1s"}
STRICT = Revocations(max_age=30)
"""Refuses to judge once its view is older: longer than any fault lasts here."""


@dataclass(slots=True)
class Client:
    """A native client.

    Attributes:
        tokens: every refresh token it was given, in order; the last one is current, or was sent and not answered.

    """

    tokens: list[str]
    access_token: str

    @classmethod
    def of(cls, issued: Issued) -> "Client":
        """Return the client of a login."""
        return cls(tokens=[issued.refresh_token], access_token=issued.access_token)

    def take(self, answer: Answer) -> None:
        """Go on with what a refresh gave."""
        assert answer.status == 200, f"a client in order was refused: {answer.status} {answer.body!r}"
        body = answer.json()
        assert body["refresh_token"] not in self.tokens
        self.tokens.append(body["refresh_token"])
        self.access_token = body["access_token"]


class Api(threading.Thread):
    """An API in a thread of its own: it verifies tokens that are good, all the time."""

    def __init__(self, verifier: Verifier, token: Callable[[], str]) -> None:
        super().__init__(daemon=True)
        self.verifier = verifier
        self.verified = 0
        self.failures: list[str] = []
        self._token = token
        self._ended = threading.Event()

    def run(self) -> None:
        """Verify until it is ended."""
        while not self._ended.wait(0.005):
            try:
                self.verifier.verify(self._token())
                self.verified += 1
            except KeyturnError as error:
                self.failures.append(repr(error))

    def refuses(self, text: str) -> bool:
        """Tell whether *text* is refused as revoked."""
        try:
            self.verifier.verify(text)
        except InvalidToken as refusal:
            return refusal.reason == "revoked"
        except VerifierUnavailable:
            return False
        return False

    def end(self) -> None:
        """End the thread and the verifier."""
        self._ended.set()
        self.join()
        self.verifier.close()


@dataclass(slots=True)
class Population:
    """Who lives on the *servers*, and what they were answered.

    Attributes:
        refreshed_at: when each refresh was answered with a token, by the monotonic clock.
        left: the sessions whose logout was acknowledged, and when.
        counts: answers to refreshes, logouts and logins, by kind and status; ``broken`` where there was none.

    """

    servers: Sequence[Server]
    rng: Random
    clients: list[Client] = field(default_factory=list)
    apis: list[Api] = field(default_factory=list)
    refreshed_at: list[float] = field(default_factory=list)
    left: list[tuple[float, Issued]] = field(default_factory=list)
    counts: Counter[tuple[str, int | str]] = field(default_factory=Counter)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _stopping: bool = False

    @property
    def refused(self) -> int:
        """How many refreshes were answered 503."""
        return self.counts["refresh", 503]

    @property
    def broken(self) -> int:
        """How many refreshes were not answered."""
        return self.counts["refresh", "broken"]

    @property
    def verified(self) -> int:
        """How often a good token was found good."""
        return sum(api.verified for api in self.apis)

    async def settle(self) -> None:
        """Return once every client has refreshed, some have left, and every API is at work."""
        await self._until(lambda: all(len(client.tokens) > 2 for client in self.clients))
        await self._until(lambda: len(self.left) > 5)
        await self._until(lambda: all(api.verified for api in self.apis))

    async def recovered(self, since: float) -> float:
        """Return the seconds from *since* to the next refresh that is answered; once all clients go on."""
        before = [len(client.tokens) for client in self.clients]
        await self._until(lambda: self.refreshed_at[-1:] > [since])
        seconds = next(at for at in self.refreshed_at if at > since) - since
        pairs = list(zip(self.clients, before, strict=True))
        await self._until(lambda: all(len(client.tokens) > many for client, many in pairs))
        return seconds

    async def ask(self, kind: str, data: bytes) -> Answer | None:
        """Ask one of the servers; None if there is no answer."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await ask(self.rng.choice(self.servers).port, data)
        except (OSError, EOFError, TimeoutError):
            self.counts[kind, "broken"] += 1
            return None
        self.counts[kind, answer.status] += 1
        return answer

    async def ask_until_answered(self, kind: str, data: bytes) -> Answer:
        """Ask until it is neither 503 nor nothing, as a good client does."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up_at:
            answer = await self.ask(kind, data)
            if answer is not None and answer.status != 503:
                return answer
            if answer is not None:
                assert answer.json()["error"] == "temporarily_unavailable"
                assert int(answer.header("retry-after") or 0) > 0
            await asyncio.sleep(self.rng.uniform(0.2, 1) * PAUSE_SECONDS)
        raise AssertionError(f"no {kind} was answered for {PATIENCE_SECONDS} s")

    async def refresh(self, client: Client) -> None:
        """Refresh with the newest token, however often it takes."""
        client.take(await self.ask_until_answered("refresh", refresh_request(client.tokens[-1])))
        self.refreshed_at.append(time.monotonic())

    async def check(self, *, may_be_lost_from: float = float("inf")) -> int:
        """Assert that everything acknowledged holds and every session goes on; return how many logouts were lost.

        Args:
            may_be_lost_from: since when a logout may be lost, although it was acknowledged.

        """
        for client in self.clients:
            await self.refresh(client)
            assert (await self.ask_until_answered("me", me_request(client.access_token))).status == 200
        held = [issued for at, issued in self.left if await self._holds(issued, certainly=at < may_be_lost_from)]
        await self._until(lambda: all(api.refuses(issued.access_token) for api in self.apis for issued in held))
        for client in self.clients:
            await self._replay(client)
        return len(self.left) - len(held)

    async def keep_refreshing(self, client: Client) -> None:
        """Refresh for as long as the population lives."""
        while not self._stopping:
            await self.refresh(client)
            await asyncio.sleep(self.rng.uniform(0.04, 0.12))

    async def keep_leaving(self, leavers: Sequence[Issued]) -> None:
        """Log one out after the other."""
        for issued in leavers:
            if self._stopping:
                return
            answer = await self.ask_until_answered("logout", logout_request(issued.refresh_token))
            assert answer.status == 204, answer.body
            self.left.append((time.monotonic(), issued))
            await asyncio.sleep(0.1)

    async def keep_logging_in(self, name: str) -> None:
        """Log in with the right password again and again."""
        while not self._stopping:
            answer = await self.ask_until_answered("login", login_request(name, PASSWORD))
            assert answer.status == 200, answer.body
            await asyncio.sleep(0.3)

    def works(self, leavers: Sequence[Issued]) -> list[Coroutine[Any, Any, None]]:
        """Return what all of them do."""
        refreshing = [self.keep_refreshing(client) for client in self.clients]
        return [*refreshing, self.keep_leaving(leavers), self.keep_logging_in("person")]

    async def rest(self) -> None:
        """Have everybody finish what they are at. No API may have failed by then."""
        self._stopping = True
        await asyncio.gather(*self.tasks)
        assert not [api.failures for api in self.apis if api.failures], "an API could not judge a good token"

    def open_apis(self, issuer: str) -> None:
        """Have two APIs verify: one that goes on with an old view, and one that does not."""
        for revocations in (Revocations(on_stale="accept"), STRICT):
            api = Api(Verifier(issuer, AUDIENCE, revocations=revocations), self.any_access_token)
            api.verifier.verify(self.any_access_token())
            api.start()
            self.apis.append(api)

    def close(self) -> None:
        """End the APIs and the servers."""
        for api in self.apis:
            api.end()
        for server in self.servers:
            server.stop()

    def any_access_token(self) -> str:
        """Return an access token that is good."""
        return self.rng.choice(self.clients).access_token

    async def _holds(self, issued: Issued, *, certainly: bool) -> bool:
        """Tell whether a logout holds, which it must if *certainly*."""
        answer = await self.ask_until_answered("check", refresh_request(issued.refresh_token))
        if answer.status == 200 and not certainly:
            return False
        assert answer.status == 400, "an acknowledged logout was lost"
        assert (await self.ask_until_answered("check", me_request(issued.access_token))).status == 401
        return True

    async def _replay(self, client: Client) -> None:
        """Present a token whose successor was used; it ends the session."""
        for token in (client.tokens[-3], client.tokens[-1]):
            answer = await self.ask_until_answered("replay", refresh_request(token))
            assert answer.status == 400, "a used token was taken"

    async def _until(self, reached: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not await asyncio.to_thread(reached):
            assert time.monotonic() < give_up_at, "it never came about"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def living(installation: Installation, rng: Random, command: Sequence[str] = SERVE) -> AsyncIterator[Population]:
    """Run two processes of the installation and let a population live on them."""
    clients, leavers = await _deal(installation)
    servers = await asyncio.to_thread(_start, installation, command)
    people = Population(servers, rng, clients)
    try:
        await asyncio.to_thread(people.open_apis, installation.issuer)
        async with asyncio.TaskGroup() as group:
            people.tasks = [group.create_task(work) for work in people.works(leavers)]
            yield people
    finally:
        await asyncio.to_thread(people.close)


def login_request(name: str, password: str) -> bytes:
    """Return a login of a native client."""
    return request(
        "POST", "/login", json.dumps({"username": name, "password": password, "client": "native"}).encode(), JSON
    )


async def _deal(installation: Installation) -> tuple[list[Client], list[Issued]]:
    """Start the sessions of those who stay and of those who leave, which is more than any limit allows at once."""
    async with beside(installation.with_(KEYTURN_REDIS_URL="", **NO_LIMIT)) as opened:
        leaving = [f"leaver-{number}" for number in range(LEAVING_USERS)]
        await opened.add_users("stayer", "person", "victim", *leaving)
        clients = [Client.of(issued) for issued in await opened.log_in("stayer", CLIENTS)]
        dealt = [await opened.log_in(name, LEAVERS // LEAVING_USERS) for name in leaving]
    return clients, [issued for hand in dealt for issued in hand]


def _start(installation: Installation, command: Sequence[str]) -> list[Server]:
    servers = [Server(installation, command), Server(installation.at_another_port(), command)]
    try:
        return [server.wait_until_ready() for server in servers]
    except RuntimeError:
        for server in servers:
            server.kill()
        raise
