"""``keyturn dev``, as a process of its own."""

import json
import shlex
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cli_world import PASSWORD, Run, Server, plain_environment, started
from fastapi import FastAPI
from fastapi.testclient import TestClient

from free_ports import free_port
from keyturn import Verifier

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first server was started."""
    return tmp_path_factory.mktemp("dev")


@pytest.fixture(scope="module")
def first(home: Path) -> Iterator[Server]:
    """A first start, with nothing at all."""
    with _dev(home, free_port()) as server:
        yield server


def test_the_printed_line_logs_in(first: Server) -> None:
    """The printed line gives both tokens, and they work."""
    tokens = _paste(first)
    assert tokens["token_type"] == "Bearer"
    assert tokens["refresh_token"].startswith("ktr_")
    assert tokens["scope"] == "orders:read orders:write"
    assert first.me(tokens) == 200
    assert first.refresh(tokens).status_code == 200


def test_the_printed_lines_protect_a_route(first: Server) -> None:
    """The five printed lines, pasted into a FastAPI app, take the token, and nothing else."""
    app, verifier = _pasted_app(first.output)
    token = _paste(first)["access_token"]
    with verifier, TestClient(app) as client:
        assert client.get("/orders", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        assert client.get("/orders").status_code == 401


def test_everything_is_private(first: Server, home: Path) -> None:
    """The directory has mode 0700, every file in it 0600 or less (KEY-10)."""
    directory = home / ".keyturn"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in directory.iterdir()} == {0}


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://localhost:5173", 200), ("http://127.0.0.1:3000", 200), ("https://evil.example", 403)],
)
def test_pages_of_this_machine_may_call_it(first: Server, origin: str, status: int) -> None:
    """Any origin on the loopback is allowed, whatever its port; no other is."""
    assert first.client.post("/login", json=_data(first.output), headers={"Origin": origin}).status_code == status


def test_the_password_is_set_anew_beside_it(first: Server, home: Path) -> None:
    """The printed command, run beside the directory without any setting, changes the running server's password."""
    (command,) = [line for line in first.output.splitlines() if "users passwd dev" in line]
    words, typed = shlex.split(command), f"{PASSWORD}\n".encode()
    subprocess.run(words, cwd=home, env=plain_environment(), input=typed, check=True, capture_output=True)
    assert first.login("dev")["status"] == 200
    assert first.login("dev", _data(first.output)["password"])["status"] == 401


def test_ends_quietly_and_starts_again(tmp_path: Path) -> None:
    """Ctrl-C ends it quietly. The password is never shown again, and what the developer wrote stays."""
    with _dev(tmp_path, free_port()) as server:
        password = _data(server.output)["password"]
        code, errors = server.interrupt()
    file = tmp_path / ".keyturn" / "keyturn.toml"
    file.write_text(file.read_text().replace('["orders:read"]', '["invoices:read"]'))
    port = free_port()
    with _dev(tmp_path, port) as server:
        assert password not in server.output
        assert _data(server.output)["password"] == "YOUR-PASSWORD"
        assert server.login("dev", password)["status"] == 200
    assert (code, "Traceback" in errors) == (0, False)
    assert "invoices:read" in file.read_text()
    assert f'issuer = "http://localhost:{port}"' in file.read_text()


def test_a_taken_port(tmp_path: Path) -> None:
    """A port that is taken: one sentence, and the password was told before.

    Settings of a production server that are lying about lead it to no other database.
    """
    settings = {"KEYTURN_DATABASE_URL": f"sqlite:///{tmp_path}/production.db", "KEYTURN_ISSUER": "https://a.example"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = _run(tmp_path, "--port", str(listener.getsockname()[1]), **settings)
    assert done.returncode == 2
    assert "taken" in done.stderr
    assert "Traceback" not in done.stderr
    assert "shown this once" in done.stdout
    assert not (tmp_path / "production.db").exists()
    assert (tmp_path / ".keyturn" / "keyturn.db").exists()


def test_this_machine_alone(keyturn: Run) -> None:
    """A development server listens to nobody else."""
    result = keyturn("dev", "--host", "0.0.0.0")  # noqa: S104 - it is refused
    assert result.exit_code == 2
    assert "--host" in result.stderr


def _dev(folder: Path, port: int) -> Any:
    return started("dev", "--port", str(port), url=f"http://localhost:{port}", until="Ctrl-C", folder=folder)


def _run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "keyturn", "dev", *arguments]
    return subprocess.run(
        command, cwd=folder, env=plain_environment() | settings, capture_output=True, text=True, check=False, timeout=30
    )


def _curl(output: str) -> list[str]:
    (line,) = [line for line in output.splitlines() if line.startswith("curl ")]
    return shlex.split(line)


def _data(output: str) -> Any:
    words = _curl(output)
    return json.loads(words[words.index("-d") + 1])


def _paste(server: Server) -> Any:
    """Do what curl would do with the printed line."""
    words = _curl(server.output)
    (url,) = [word for word in words if word.startswith("http")]
    name, _, value = words[words.index("-H") + 1].partition(": ")
    return httpx2.post(url, content=words[words.index("-d") + 1], headers={name: value}).json()


def _pasted_app(output: str) -> tuple[FastAPI, Verifier]:
    """Return an app with the five lines that were printed, and what verifies its tokens."""
    lines = output.splitlines()
    start = lines.index("from typing import Annotated")
    names: dict[str, Any] = {"app": FastAPI()}
    exec("\n".join(lines[start : start + 5]), names)  # noqa: S102 - it is what we have printed
    return names["app"], names["auth"].verifier
