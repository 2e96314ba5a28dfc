"""A real server: ``python -m keyturn serve`` in a process of its own, on a free port, over a database of its own.

Users and sessions are made beside it through the same flows; only the password hash is left out where a test needs
thousands of logins.
"""

import asyncio
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import asyncpg

from free_ports import free_port
from keyturn.core import login, users
from keyturn.core.issue import Issued
from keyturn.core.model import ClientKind, Device, Origin, StoredUser, User
from keyturn.core.services import Services
from keyturn.server.clock import Clock
from keyturn.server.services import open_services, prepare_to_serve
from keyturn.server.settings import Purpose, Settings
from keyturn.store import upgrade
from keyturn.tokens.base64url import encode

PASSWORD = "correct horse battery staple"
AUDIENCE = "https://api.example.com"
OPERATOR = Origin(actor="operator")
DEVICE = Device(browser="unknown", os="unknown", address="")
SERVE = ("-m", "keyturn", "serve")
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What a server is started with: its folder, its port and its environment."""

    folder: Path
    port: int
    environ: Mapping[str, str] = field(repr=False)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "keyturn.db"

    @property
    def database_url(self) -> str:
        """The URL of the database, whatever it is."""
        return self.environ["KEYTURN_DATABASE_URL"]

    @property
    def issuer(self) -> str:
        """The URL of the server, whichever process of it answers."""
        return self.environ["KEYTURN_ISSUER"]

    def with_(self, **environ: str) -> "Installation":
        """Return the same with other settings."""
        return replace(self, environ={**self.environ, **environ})

    def at_another_port(self) -> "Installation":
        """Return the same installation for a second process beside the first."""
        port = free_port()
        return replace(self, port=port, environ={**self.environ, "KEYTURN_SERVER_PORT": str(port)})

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a ``keyturn`` command to its end."""
        command = [sys.executable, "-m", "keyturn", *arguments]
        return subprocess.run(
            command,
            env=dict(self.environ),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **options,
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows that *sql* reads from the database."""
        if not self.database_url.startswith("sqlite:"):
            return asyncio.run(_fetch(self.database_url, sql))
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql).fetchall()


def install(folder: Path, url: str | None = None, **environ: str) -> Installation:
    """Make an installation in *folder*, its database included; *environ* goes before what is set here.

    *url* names an empty database; None makes an SQLite file in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key_file = folder / "master.key"
    key_file.write_text(encode(secrets.token_bytes(32)))
    key_file.chmod(0o600)
    port = free_port()
    settings = {
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "KEYTURN_ISSUER": f"http://127.0.0.1:{port}",
        "KEYTURN_SERVER_PORT": str(port),
        "KEYTURN_DATABASE_URL": url or f"sqlite:///{folder / 'keyturn.db'}",
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": AUDIENCE,
        "KEYTURN_KEYS_MASTER_KEY_FILE": str(key_file),
        "KEYTURN_PASSWORD_MEMORY_KIB": "7168",
        "KEYTURN_PASSWORD_TIME_COST": "5",
        "KEYTURN_RATE_LIMIT_LOGIN_PER_IP": "1000000/1s",
        "KEYTURN_RATE_LIMIT_LOGIN_PER_ACCOUNT": "1000000/1s",
        "KEYTURN_RATE_LIMIT_LOGIN_PER_DEVICE": "1000000/1s",
        "KEYTURN_RATE_LIMIT_REFRESH_PER_SESSION": "1000000/1s",
        "KEYTURN_ROLES": '{"user": ["orders:read"]}',
        "KEYTURN_LOG_LEVEL": "warning",
    }
    asyncio.run(upgrade(settings["KEYTURN_DATABASE_URL"]))
    return Installation(folder=folder, port=port, environ={**settings, **environ})


class Server:
    """One process of an installation."""

    def __init__(self, installation: Installation, command: Sequence[str] = SERVE, **options: Any) -> None:
        self.installation = installation
        self.log = installation.folder / f"server-{installation.port}-{secrets.token_hex(3)}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                env=dict(installation.environ),
                cwd=installation.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                **options,
            )

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self.installation.port

    @property
    def url(self) -> str:
        """Where this very process answers."""
        return f"http://127.0.0.1:{self.port}"

    def wait_until_ready(self) -> "Server":
        """Return when it answers ``/readyz`` with 200."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up_at:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.log.read_text()}")
            if self._is_ready():
                return self
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"the server never was ready:\n{self.log.read_text()}")

    def stop(self) -> int:
        """Ask it to end; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def _is_ready(self) -> bool:
        try:
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200
        except OSError:
            return False


@contextmanager
def serving(installation: Installation, command: Sequence[str] = SERVE, **options: Any) -> Any:
    """Run a server for the time of a ``with``."""
    server = Server(installation, command, **options)
    try:
        yield server.wait_until_ready()
    finally:
        server.stop()


def add_users(installation: Installation, *names: str, roles: tuple[str, ...] = ("user",)) -> None:
    """Make accounts with the password of all tests, hashed as the server does."""
    _at_once(installation, lambda beside: beside.add_users(*names, roles=roles))


def log_in(installation: Installation, name: str, times: int = 1, **options: Any) -> list[Issued]:
    """Start sessions through the real flow, beside the server and without the cost of the password's hash."""
    issued: list[Issued] = _at_once(installation, lambda beside: beside.log_in(name, times, **options))
    return issued


@dataclass(frozen=True, slots=True)
class Beside:
    """The flows over the server's database, in this process."""

    installation: Installation
    services: Services

    async def add_users(self, *names: str, roles: tuple[str, ...] = ("user",)) -> None:
        """Make accounts with the password of all tests, hashed as the server does."""
        await asyncio.gather(*(self._add_user(name, roles) for name in names))

    async def log_in(
        self, name: str, times: int = 1, *, client: ClientKind = ClientKind.NATIVE, for_issuer: bool = False
    ) -> list[Issued]:
        """Start sessions through the real flow, without the cost of the password's hash."""
        assert self.services.local_users is not None
        trusting = replace(self.services, users=_Trusting(self.services.local_users))
        request = login.LoginRequest(
            username=name,
            password=PASSWORD,
            client=client,
            device_name="",
            scope=None,
            resource=self.installation.issuer if for_issuer else None,
            device_token=None,
            device=DEVICE,
            origin=Origin(address="127.0.0.1", browser="unknown"),
        )
        return await asyncio.gather(*(login.login(trusting, request, now_ms=_now_ms()) for _ in range(times)))

    async def _add_user(self, name: str, roles: tuple[str, ...]) -> None:
        await users.add_user(self.services, name, PASSWORD, roles=roles, origin=OPERATOR, now_ms=_now_ms())


@asynccontextmanager
async def beside(installation: Installation) -> AsyncIterator[Beside]:
    """Open the flows over the server's database for the time of an ``async with``."""
    settings = Settings.load(purpose=Purpose.ADMINISTER, environ=dict(installation.environ))
    opened = await open_services(settings, clock=Clock())
    try:
        await prepare_to_serve(opened.services, now_ms=_now_ms())
        yield Beside(installation, opened.services)
    finally:
        await opened.close()


def _at_once(installation: Installation, work: Callable[[Beside], Any]) -> Any:
    async def run() -> Any:
        async with beside(installation) as opened:
            return await work(opened)

    return asyncio.run(run())


def _now_ms() -> int:
    return Clock().now_ms()


async def _fetch(url: str, sql: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


class _Trusting:
    """A user directory that believes every password."""

    def __init__(self, local: Any) -> None:
        self._local = local

    async def authenticate(self, username: str, _password: str) -> User | None:
        """Return the user of this name."""
        found: StoredUser | None = await self._local.rows.find_by_name(username)
        return None if found is None else found.as_user()

    async def find(self, sub: str) -> User | None:
        """Return the user as they are now."""
        user: User | None = await self._local.find(sub)
        return user
