"""SQLite with a Valkey of one's own beside it, which a test may kill."""

import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from valkey_servers import Valkey

from keyturn.core.ports import Store
from keyturn.store import open_store, upgrade

sys.path.append(str(Path(__file__).parent))


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    """A server of this test alone."""
    with Valkey() as server:
        yield server


@pytest.fixture
async def database_url(tmp_path: Path) -> str:
    """The URL of an empty database."""
    url = f"sqlite:///{tmp_path}/data/keyturn.db"
    await upgrade(url)
    return url


@pytest.fixture
async def store(database_url: str, valkey: Valkey) -> AsyncIterator[Store]:
    """SQLite and Valkey."""
    opened = await open_store(database_url, redis_url=valkey.url)
    yield opened
    await opened.close()


@pytest.fixture
async def other(database_url: str, valkey: Valkey) -> AsyncIterator[Store]:
    """What another process of the same server has."""
    opened = await open_store(database_url, redis_url=valkey.url)
    yield opened
    await opened.close()


@pytest.fixture
def now_ms() -> int:
    """The time."""
    return time.time_ns() // 1_000_000
