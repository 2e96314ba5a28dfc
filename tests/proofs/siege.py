"""A whole server in process, a clock that a test moves, and a count of the passwords that were really tried."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_bytes
from typing import Any

import httpx2
from disguises import ACCOUNT, PROXIES, Disguise
from http_world import AUDIENCE, ISSUER, PASSWORD, StoppedClock, World

from keyturn import store
from keyturn.server.app import create_app
from keyturn.server.settings import Settings
from keyturn.tokens.base64url import encode

DUMMY = "dummy"


class CountingHasher:
    """Hashes by writing the password down, and counts the wrong ones that were tried at each account."""

    def __init__(self) -> None:
        self.wrong: Counter[str] = Counter()

    async def hash(self, password: str) -> str:
        """Write it down."""
        return f"plain:{password}"

    async def verify(self, encoded: str, password: str) -> bool:
        """Compare, and count."""
        right = encoded == f"plain:{password}"
        if not right:
            self.wrong[encoded] += 1
        return right

    async def verify_dummy(self, password: str) -> None:
        """Count a try at nobody."""
        await self.verify(DUMMY, password)

    def needs_rehash(self, encoded: str) -> bool:
        """Never."""
        return False


class Siege:
    """The server, and one account in it.

    Attributes:
        world: the server.
        hasher: who knows what was tried.

    """

    def __init__(self, world: World, hasher: CountingHasher) -> None:
        self.world = world
        self.hasher = hasher
        self.statuses: Counter[int] = Counter()

    @property
    def guesses(self) -> int:
        """Wrong passwords that were held against the account's."""
        return self.hasher.wrong[f"plain:{PASSWORD}"]

    async def ask(self, request: Disguise) -> httpx2.Response:
        """Let a request in by the front door."""
        transport = httpx2.ASGITransport(app=self.world.app, client=(request.peer, 50000))
        sent = httpx2.Request(request.method, f"{ISSUER}/", headers=request.headers, content=request.body)
        sent.url = sent.url.copy_with(raw_path=request.path.encode())
        response = await transport.handle_async_request(sent)
        await response.aread()
        self.statuses[response.status_code] += 1
        return response

    async def log_in(self, address: str, **fields: str) -> httpx2.Response:
        """Log in as the owner of the account does, at *address*."""
        async with self.world.client(address) as client:
            body = {"username": ACCOUNT, "password": PASSWORD, "client": "native"} | fields
            return await client.post("/login", json=body)


@asynccontextmanager
async def besieged(folder: Path, **changes: Any) -> AsyncIterator[Siege]:
    """Run a server with the limits as it ships, but for *changes*, behind a proxy or not."""
    hasher, clock = CountingHasher(), StoppedClock()
    settings = Settings.load(environ={}, **(_settings(folder) | changes))
    await store.upgrade(settings.database.url)
    app = create_app(settings, clock=clock)
    async with app.router.lifespan_context(app):
        world = World(app=app, clock=clock)
        assert world.services.local_users is not None
        world.services.local_users.hasher = hasher
        await world.add_user(ACCOUNT)
        yield Siege(world, hasher)


def _settings(folder: Path) -> dict[str, Any]:
    return {
        "issuer": ISSUER,
        "access_token": {"audience": [AUDIENCE]},
        "keys": {"master_key": encode(token_bytes(32))},
        "database": {"url": f"sqlite:///{folder}/siege.db"},
        "server": {"trusted_proxies": [PROXIES]},
    }
