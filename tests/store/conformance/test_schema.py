"""Opening and upgrading: never by accident, safe to repeat, safe at once."""

import subprocess
import sys

import pytest

from keyturn.errors import ConfigurationError
from keyturn.store import SchemaStatus, open_store, status, upgrade
from keyturn.store.sql.migrations import all_migrations

NAMES = [migration.name for migration in all_migrations()]
NEWEST = all_migrations()[-1].number

UPGRADE = "import asyncio, sys; from keyturn.store import upgrade; print(asyncio.run(upgrade(sys.argv[1])))"


async def test_upgrade_is_told_and_done_once(store_url: str) -> None:
    """The first upgrade names what it applied, the second has nothing to do."""
    assert await status(store_url) == SchemaStatus(current=0, newest=NEWEST)

    assert await upgrade(store_url) == NAMES
    assert await upgrade(store_url) == []

    assert await status(store_url) == SchemaStatus(current=NEWEST, newest=NEWEST)


async def test_open_store_refuses_a_database_that_was_never_made(store_url: str) -> None:
    """Opening and asking for the status create nothing, and the refusal names the command."""
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="keyturn db upgrade"):
            await open_store(store_url)
        assert await status(store_url) == SchemaStatus(current=0, newest=NEWEST)


def test_processes_that_upgrade_at_once_apply_each_migration_once(store_url: str) -> None:
    """Of several that start together one migrates, the others wait for it."""
    command = [sys.executable, "-c", UPGRADE, store_url]
    upgraders = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]

    told = sorted(upgrader.communicate(timeout=30)[0].strip() for upgrader in upgraders)

    assert told == [str(NAMES), "[]", "[]", "[]"]


@pytest.mark.parametrize("url", ["", "nothing", "mysql://localhost/db", "SQLITE:///a.db", "sqlite"])
async def test_an_unknown_scheme_is_refused(url: str) -> None:
    """The refusal says which there are."""
    for function in (open_store, upgrade, status):
        with pytest.raises(ConfigurationError, match="sqlite://"):
            await function(url)
