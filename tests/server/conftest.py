"""A running server for every test that asks for one."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from http_world import AUDIENCE, ISSUER, OTHER_AUDIENCE, StoppedClock, World

from keyturn import store
from keyturn.server.app import create_app
from keyturn.server.settings import Settings
from keyturn.tokens import base64url

MakeWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def make_world(tmp_path: Path) -> AsyncIterator[MakeWorld]:
    """Make a server whose settings may differ from the tests' usual ones."""
    stack = AsyncExitStack()

    async def make(*, users: Any = None, **changes: Any) -> World:
        values = usual(tmp_path) | changes
        settings = Settings.load(environ={}, **values)
        await store.upgrade(settings.database.url)
        clock = StoppedClock()
        app = create_app(settings, users, clock=clock)
        await stack.enter_async_context(app.router.lifespan_context(app))
        return World(app=app, clock=clock)

    yield make
    await stack.aclose()


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    """A server with the user ``ada``."""
    made = await make_world()
    await made.add_user()
    return made


def usual(folder: Path) -> dict[str, Any]:
    """Return settings with the cheapest hash that is allowed."""
    return {
        "issuer": ISSUER,
        "access_token": {"audience": [AUDIENCE, OTHER_AUDIENCE]},
        "roles": {"user": ["orders:read"], "admin": ["orders:read", "orders:write"]},
        "keys": {"master_key": base64url.encode(Random(7).randbytes(32))},
        "database": {"url": f"sqlite:///{folder}/keyturn.db"},
        "password": {"memory_kib": 7168, "time_cost": 5},
        "registration": {"mode": "open"},
        "server": {"cors_origins": ["https://app.example.com"]},
    }
