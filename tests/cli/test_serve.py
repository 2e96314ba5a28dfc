"""``keyturn serve``, as a process of its own, and the commands beside it: the server sees what they do at once."""

import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_world import Installation, Server, plain_environment, started

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The installation that the server runs on."""
    return Installation(tmp_path_factory.mktemp("serve"))


@pytest.fixture(scope="module")
def server(beside: Installation) -> Iterator[Server]:
    """A server on a free port."""
    text = beside.config.read_text().replace("port = 8080", "port = 0")
    beside.config.write_text(text)
    with started(
        "serve", "--config", str(beside.config), url="", until="keyturn serves", folder=beside.config.parent
    ) as running:
        address = running.output.rpartition(" at ")[2].partition(",")[0]
        running.client.base_url = address
        yield running


def test_disabling_a_user(beside: Installation, server: Server) -> None:
    """Who is shut out can neither use a token, nor refresh, nor log in, from the moment the command has ended."""
    tokens = _logged_in(beside, server, "disabled")
    beside.must("users", "disable", "disabled")
    assert server.me(tokens) == 401
    assert server.refresh(tokens).json()["error"] == "invalid_grant"
    assert server.login("disabled")["status"] == 401
    beside.must("users", "enable", "disabled")
    assert server.login("disabled")["status"] == 200


def test_ending_a_session(beside: Installation, server: Server) -> None:
    """A session that was ended is over at once; another one of the same user goes on."""
    first, second = _logged_in(beside, server, "ended"), server.login("ended")
    beside.must("sessions", "end", first["session_id"])
    assert server.me(first) == 401
    assert server.refresh(first).status_code == 400
    assert server.me(second) == 200


def test_a_new_password(beside: Installation, server: Server) -> None:
    """The old password and the old sessions are worth nothing from the moment the command has ended."""
    tokens = _logged_in(beside, server, "forgetful")
    beside.must("users", "passwd", "forgetful", stdin="another good long password\n")
    assert server.me(tokens) == 401
    assert server.login("forgetful")["status"] == 401
    assert server.login("forgetful", "another good long password")["status"] == 200


def test_new_roles(beside: Installation, server: Server) -> None:
    """Roles are read again at each refresh."""
    tokens = _logged_in(beside, server, "promoted")
    beside.must("users", "roles", "promoted", "--add", "admin")
    assert server.refresh(tokens).json()["scope"] == "orders:read orders:write"


@pytest.mark.parametrize("how", ["sid", "jti", "user", "before"])
def test_revoking_tokens(beside: Installation, server: Server, how: str) -> None:
    """A revocation from the command line is in force at once; a login after it works at once."""
    tokens = _logged_in(beside, server, f"revoked-{how}")
    claims = json.loads(beside.must("token", "inspect", "--json", stdin=tokens["access_token"]))["claims"]
    value = {"sid": claims["sid"], "jti": claims["jti"], "user": f"revoked-{how}", "before": "now"}[how]
    beside.must("token", "revoke", f"--{how}", value)
    assert server.me(tokens) == 401
    assert server.me(server.login(f"revoked-{how}")) == 200


def test_a_rotated_and_a_revoked_key(beside: Installation, server: Server) -> None:
    """The server publishes the next key soon, and refuses what a revoked key has signed at once (KEY-04)."""
    tokens = _logged_in(beside, server, "signed")
    beside.must("keys", "rotate")
    _eventually(lambda: len(_published(server)) == 2)
    (active,) = [row["kid"] for row in _keys(beside) if row["state"] == "active"]
    beside.must("keys", "revoke", active, "--yes")
    assert server.me(tokens) == 401
    _eventually(lambda: active not in _published(server))
    renewed = server.refresh(tokens)
    assert renewed.status_code == 200
    assert server.me(renewed.json()) == 200


def test_an_old_schema_is_not_served(installation: Installation) -> None:
    """A server never migrates: with an old schema it ends with exit code 2 and says what to run."""
    with closing(sqlite3.connect(installation.config.parent / "keyturn.db")) as connection, connection:
        connection.execute("DELETE FROM schema_version")
    result = installation.run("serve")
    assert result.exit_code == 2
    assert "keyturn db upgrade" in result.stderr


def test_an_unsafe_setting_is_named(installation: Installation) -> None:
    """A flag goes before the file; what is unsafe is named with its environment twin, and nothing starts."""
    result = installation.run("serve", "--host", "0.0.0.0")  # noqa: S104 - it is refused
    assert result.exit_code == 2
    assert "server.host (KEYTURN_SERVER_HOST)" in result.stderr


@pytest.mark.parametrize("schema", ["upgraded", "old"])
def test_several_workers_end_with_the_exit_codes_of_one(installation: Installation, schema: str) -> None:
    """0 after SIGTERM, and 2, said once, where none of them can start."""
    folder = installation.config.parent
    if schema == "old":
        with closing(sqlite3.connect(folder / "keyturn.db")) as connection, connection:
            connection.execute("DELETE FROM schema_version")
    arguments = [sys.executable, "-m", "keyturn", "serve", "--workers", "2", "--port", str(_free_port())]
    process = subprocess.Popen(
        [*arguments, "--config", str(installation.config)],
        env=plain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            process.terminate()
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()

    assert process.returncode == {"upgraded": 0, "old": 2}[schema]
    assert ready.endswith(", 2 workers\n") is (schema == "upgraded")
    assert errors.count("keyturn db upgrade") == (schema == "old")
    assert "Traceback" not in errors


@pytest.mark.parametrize("workers", ["0", "65"])
def test_there_are_between_one_and_64_workers(installation: Installation, workers: str) -> None:
    """Exit 2, before anything is opened."""
    assert installation.run("serve", "--workers", workers).exit_code == 2


def test_without_settings_nothing_is_served(tmp_path: Path) -> None:
    """Without issuer, audience and master key: exit 2, all three named."""
    with (
        pytest.raises(
            AssertionError, match=r"(?s)KEYTURN_ISSUER.*KEYTURN_ACCESS_TOKEN_AUDIENCE.*KEYTURN_KEYS_MASTER_KEY"
        ),
        started("serve", url="", until="keyturn serves", folder=tmp_path),
    ):
        pass


def _logged_in(beside: Installation, server: Server, name: str) -> dict[str, Any]:
    beside.add(name, "user")
    tokens = server.login(name)
    assert server.me(tokens) == 200
    return tokens


def _keys(beside: Installation) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(beside.must("keys", "list", "--json"))["items"]
    return items


def _published(server: Server) -> set[str]:
    return {key["kid"] for key in server.client.get("/.well-known/jwks.json").json()["keys"]}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _eventually(holds: Any) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
