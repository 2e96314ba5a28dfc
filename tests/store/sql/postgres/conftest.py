"""Databases on the shared server, and a server of its own for whoever stops or kills it. Every test here is slow."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import postgres
import pytest

from keyturn.store import open_store, upgrade
from keyturn.store.sql.store import SqlStore


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder: each needs a server."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
async def url() -> str:
    """The URL of an upgraded, empty database."""
    url = postgres.url_of_new_database()
    await upgrade(url)
    return url


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """The database, open."""
    opened = await open_store(url)
    yield opened
    await opened.close()


@pytest.fixture
def server() -> Iterator[postgres.Postgres]:
    """A server that may be harmed."""
    with postgres.Postgres() as server:
        yield server


@pytest.fixture
async def harmed(server: postgres.Postgres) -> AsyncIterator[SqlStore]:
    """An open store on the server that may be harmed."""
    url = server.url_of_new_database()
    await upgrade(url)
    opened = await open_store(url)
    yield opened
    await opened.close()
