"""An installation in a folder of its own: settings, a database with the newest schema, a master key."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

from keyturn import store
from keyturn.server.settings import Settings
from keyturn.tokens import base64url

MASTER_KEY = base64url.encode(Random(11).randbytes(32))
OTHER_MASTER_KEY = base64url.encode(Random(12).randbytes(32))

COMPLETE: dict[str, Any] = {
    "issuer": "https://auth.example.com",
    "access_token": {"audience": ["https://api.example.com"]},
    "keys": {"master_key": MASTER_KEY},
}


def values_in(folder: Path, **changes: Any) -> dict[str, Any]:
    """Return flags for an installation in *folder* with the cheapest hash that is allowed."""
    cheap = {"memory_kib": 7168, "time_cost": 5, "concurrency": 1}
    database = {"url": f"sqlite:///{folder}/keyturn.db"}
    return COMPLETE | {"database": database, "password": cheap} | changes


def settings_in(folder: Path, **changes: Any) -> Settings:
    """Return the settings of an installation in *folder*."""
    return Settings.load(environ={}, **values_in(folder, **changes))


def installed(folder: Path, **changes: Any) -> Settings:
    """Make the database too."""
    settings = settings_in(folder, **changes)
    asyncio.run(store.upgrade(settings.database.url))
    return settings
