"""``keyturn serve`` as an operator runs it: a process of its own, a database on the disk, one worker or several."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from keyturn.store import upgrade
from keyturn.store.copy import copy
from keyturn.tokens import base64url
from keyturn.tokens.master_key import MASTER_KEY_BYTES, MasterKey
from load import Rotation, keyturn_rotation
from processes import SERVER_CORES, Running, first_cores, free_port, python, running
from sessions import add_sessions, create_database

AUDIENCE = "https://api.example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A database with its master key, before the server starts.

    Attributes:
        database: the SQLite file that users and sessions are put into.
        url: what the server is given as ``database.url``.
        secret: the master key.

    """

    database: Path
    url: str
    secret: bytes = field(repr=False)

    @property
    def master_key(self) -> MasterKey:
        """The master key, for the tokens of sessions that are put there."""
        return MasterKey.from_bytes(self.secret)


def install(directory: Path) -> Installation:
    """Make an empty database in *directory*, which must exist."""
    database = directory / "keyturn.db"
    url = create_database(database)
    return Installation(database=database, url=url, secret=os.urandom(MASTER_KEY_BYTES))


def install_sessions(directory: Path, number: int, *, handed_out: int) -> tuple[Installation, Rotation]:
    """Do the same with *number* sessions; *handed_out* of their refresh tokens are at hand."""
    installation = install(directory)
    tokens = add_sessions(installation.database, number, installation.master_key, handed_out=handed_out)
    return installation, keyturn_rotation(tokens)


def moved(installation: Installation, url: str) -> Installation:
    """Return *installation* with its rows in the empty database at *url*, as ``keyturn db copy`` brings them there."""
    asyncio.run(upgrade(url))
    asyncio.run(copy(installation.url, url, told=lambda *_: None))
    return replace(installation, url=url)


def settings_of(installation: Installation, port: int) -> dict[str, str]:
    """Return the environment that serves *installation* on *port*: the defaults, what has none, and a limit."""
    return {
        "KEYTURN_ISSUER": f"http://127.0.0.1:{port}",
        "KEYTURN_SERVER_PORT": str(port),
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": AUDIENCE,
        "KEYTURN_DATABASE_URL": installation.url,
        "KEYTURN_KEYS_MASTER_KEY": base64url.encode(installation.secret),
        "KEYTURN_ROLES": '{"user": ["orders:read"]}',
        "KEYTURN_PASSWORD_CONCURRENCY": str(len(SERVER_CORES)),
        "KEYTURN_RATE_LIMIT_REFRESH_PER_SESSION": "1000/1s",  # judged as ever, and never in the way
    }


@contextmanager
def serving(
    installation: Installation, settings: Mapping[str, str] | None = None, *, workers: int = 1
) -> Iterator[Running]:
    """Serve *installation* until the ``with`` ends, with the defaults but for *settings*, environment variables.

    There are as many cores as *workers* for them.
    """
    port = free_port()
    environment = settings_of(installation, port) | dict(settings or {})
    directory = installation.database.parent
    command = python("-m", "keyturn", "serve", "--workers", str(workers))
    log, cores = directory / f"serve-{port}.log", first_cores(workers)
    with running(command, port=port, log=log, env=environment, cwd=directory, cores=cores) as server:
        yield server


@contextmanager
def serving_sessions(directory: Path, number: int, *, handed_out: int) -> Iterator[tuple[Running, Rotation]]:
    """Serve *number* sessions from a new database in *directory*; *handed_out* of their refresh tokens are at hand."""
    installation, rotation = install_sessions(directory, number, handed_out=handed_out)
    with serving(installation) as server:
        yield server, rotation
