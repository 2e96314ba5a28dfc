"""An installation in a folder of its own, and the command line run on it: in this process, or as a real one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx2
from typer.testing import CliRunner, Result

from keyturn.cli.commands import app
from keyturn.cli.opening import run
from keyturn.core.issue import Issued
from keyturn.core.login import LoginRequest, login
from keyturn.core.model import ClientKind, Device, Origin
from keyturn.core.refresh import RefreshRequest, refresh
from keyturn.core.services import Services
from keyturn.server.services import prepare_to_serve

PASSWORD = "correct horse battery staple"


class Run(Protocol):
    """Runs ``keyturn`` with arguments."""

    def __call__(self, *arguments: str, stdin: str | bytes = "") -> Result:
        """Return what came of it."""
        ...


class Installation:
    """A settings file and a master key as ``keyturn init`` writes them, with cheap hashes, and an upgraded database."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "keyturn.toml"
        self.database = folder / "keyturn.db"
        self._must("init", "--dir", str(folder), "--issuer", "http://localhost:8080", "--audience", "my-api")
        self._edit('url = "sqlite:///.keyturn/keyturn.db"', f'url = "sqlite:///{folder}/keyturn.db"')
        self._edit("memory_kib = 19456\n", "memory_kib = 7168\n")
        self._edit("time_cost = 2\n", "time_cost = 5\n")
        self._edit('login_per_ip = "5/1m"', 'login_per_ip = "1000/1m"')
        self._edit("# user =", "user =")
        self._edit("# admin =", "admin =")
        self.must("db", "upgrade")

    def run(self, *arguments: str, stdin: str | bytes = "") -> Result:
        """Run a command in this process."""
        return CliRunner().invoke(app, [*arguments, "--config", str(self.config)], input=stdin, prog_name="keyturn")

    def must(self, *arguments: str, stdin: str | bytes = "") -> str:
        """Run a command that has to succeed and return its standard output."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == 0, result.output
        return result.stdout

    def add(self, name: str, *roles: str) -> str:
        """Add a user whose password is `PASSWORD` and return their ``sub``."""
        options = [part for role in roles for part in ("--role", role)]
        return self.must("users", "add", name, *options, stdin=f"{PASSWORD}\n").strip()

    def log_in(self, name: str, *, device_name: str = "") -> Issued:
        """Start a session as a login over HTTP does."""
        request = LoginRequest(
            username=name,
            password=PASSWORD,
            client=ClientKind.NATIVE,
            device_name=device_name,
            scope=None,
            resource=None,
            device_token=None,
            device=Device(browser="Firefox", os="Linux", address=""),
            origin=Origin(address="192.0.2.7"),
        )

        async def work(services: Services, now_ms: int) -> Issued:
            await prepare_to_serve(services, now_ms=now_ms)
            return await login(services, request, now_ms=now_ms)

        return run(self.config, work)

    def restore(self, copy: bytes) -> None:
        """Put a copy of the database in its place, as from a backup."""
        for suffix in ("-wal", "-shm"):
            Path(f"{self.database}{suffix}").unlink(missing_ok=True)
        self.database.write_bytes(copy)

    def copy(self, source: str, target: str) -> Result:
        """Copy one database into another."""
        return CliRunner().invoke(app, ["db", "copy", "--from", source, "--to", target], prog_name="keyturn")

    def refresh(self, issued: Issued) -> Issued:
        """Refresh as the client does that *issued* was given to."""
        request = RefreshRequest(
            refresh_token=issued.refresh_token,
            clients=frozenset({ClientKind.NATIVE}),
            scope=None,
            resource=None,
            device_token=None,
            device=Device(browser="Firefox", os="Linux", address=""),
            origin=Origin(address="192.0.2.7"),
        )

        async def work(services: Services, now_ms: int) -> Issued:
            await prepare_to_serve(services, now_ms=now_ms)
            return await refresh(services, request, now_ms=now_ms)

        return run(self.config, work)

    def _must(self, *arguments: str) -> None:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output

    def _edit(self, before: str, after: str) -> None:
        text = self.config.read_text("utf-8")
        assert before in text
        self.config.write_text(text.replace(before, after), "utf-8")


class Server:
    """A real server process, and a client of it."""

    def __init__(self, process: subprocess.Popen[str], url: str, output: str) -> None:
        self.process = process
        self.output = output
        self.client = httpx2.Client(base_url=url, timeout=10)

    def login(self, name: str, password: str = PASSWORD) -> dict[str, Any]:
        """Log in and return the answer."""
        response = self.client.post("/login", json={"username": name, "password": password, "client": "native"})
        return response.json() | {"status": response.status_code}

    def me(self, tokens: dict[str, Any]) -> int:
        """Return the status of ``GET /me``."""
        return self.client.get("/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}).status_code

    def refresh(self, tokens: dict[str, Any]) -> httpx2.Response:
        """Refresh."""
        data = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        return self.client.post("/token", data=data)

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C and return the exit code and what stands on standard error."""
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=15)
        return self.process.returncode, errors


@contextmanager
def started(*arguments: str, url: str, until: str, folder: Path) -> Iterator[Server]:
    """Run a server command as a process of its own; it is ready once its output has a line with *until*."""
    process = subprocess.Popen(
        [sys.executable, "-m", "keyturn", *arguments],
        cwd=folder,
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            server = Server(process, url, _read_until(process, until))
            with server.client:
                yield server
        finally:
            process.kill()
            process.communicate()


def plain_environment() -> dict[str, str]:
    """Return our environment without settings of Keyturn's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KEYTURN_")}


def _read_until(process: subprocess.Popen[str], until: str) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if until in line:
            return "".join(lines)
    _, errors = process.communicate()
    raise AssertionError(f"the server did not start: {''.join(lines)}{errors}")
