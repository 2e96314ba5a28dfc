"""A served SQLite file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keyturn.store import open_store, upgrade
from keyturn.store.sql.sqlite.opening import connect
from keyturn.store.sql.store import SqlStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "data" / "keyturn.db"


@pytest.fixture
async def url(path: Path) -> str:
    """The URL of an upgraded, empty file."""
    url = f"sqlite:///{path}"
    await upgrade(url)
    return url


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """The file, open."""
    opened = await open_store(url)
    yield opened
    await opened.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a twentieth of a second for a lock rather than seconds. Ask for it before the store."""
    monkeypatch.setitem(connect.__kwdefaults__, "busy_seconds", 0.05)
