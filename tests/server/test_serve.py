"""A server as a process: it starts, it serves, it ends in order; and what it refuses to start with."""

import contextlib
import json
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from installation import MASTER_KEY, OTHER_MASTER_KEY, installed
from server_process import refused, running

from free_ports import free_port
from keyturn.server.wire.connection import MAX_FIELDS, MAX_HEAD_BYTES
from keyturn.store.sql.migrations import newest_version
from keyturn.tokens import base64url

pytestmark = pytest.mark.slow


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment for a server in this folder, whose database is there."""
    installed(tmp_path)
    return {
        "KEYTURN_ISSUER": "https://auth.example.com",
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": "my-api",
        "KEYTURN_KEYS_MASTER_KEY": MASTER_KEY,
        "KEYTURN_DATABASE_URL": f"sqlite:///{tmp_path}/keyturn.db",
        "KEYTURN_SERVER_PORT": str(free_port()),
        "KEYTURN_LOG_FORMAT": "json",
    }


def ask(port: int, request: bytes, *, patience: float = 5) -> bytes:
    """Send bytes; return all that comes until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def test_a_server_starts_serves_and_ends_in_order(tmp_path: Path, environ: dict[str, str]) -> None:
    """One line says that it is ready; SIGTERM ends it with exit code 0, its database whole and its log empty."""
    with running(tmp_path, environ) as server:
        assert server.ready == (
            f"keyturn serves https://auth.example.com at http://127.0.0.1:{server.port},"
            f" database sqlite:///{tmp_path}/keyturn.db\n"
        )
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
            ready = client.get("/readyz")
            assert (ready.status_code, "server" in ready.headers) == (200, False)
        code, log = server.stop()

    assert code == 0
    (line,) = [json.loads(line) for line in log.splitlines()]
    assert (line["event"], line["route"], line["status"], line["address"]) == ("request", "/readyz", 200, "127.0.0.1")
    assert not (tmp_path / "keyturn.db-wal").exists()
    with closing(sqlite3.connect(tmp_path / "keyturn.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_server_ends_on_ctrl_c_too(tmp_path: Path, environ: dict[str, str]) -> None:
    """Without a traceback."""
    with running(tmp_path, environ) as server:
        assert server.stop(signal.SIGINT) == (0, "")


def test_a_request_that_is_under_way_is_finished_before_the_end(tmp_path: Path, environ: dict[str, str]) -> None:
    """A login that was begun gets its answer; an idle connection holds nobody up."""
    body = b'{"username": "ada", "password": "a password"}'
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )
    with running(tmp_path, environ) as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head + body[:10])
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(body[10:])
        connection.settimeout(10)

        assert connection.recv(65536).startswith(b"HTTP/1.1 401")
        assert server.process.wait(10) == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"KEYTURN_KEYS_MASTER_KEY": ""}, "keys.master_key (KEYTURN_KEYS_MASTER_KEY): it has no default"),
        ({"KEYTURN_ISSUER": "http://auth.example.com"}, "issuer (KEYTURN_ISSUER): plain HTTP is for localhost alone"),
        ({"KEYTURN_ACCESS_TOKEN_ALGORITHM": "HS256"}, "a shared secret is for an issuer and a verifier in one process"),
        ({"KEYTURN_SERVER_HOST": "198.51.100.1", "KEYTURN_DANGER_ALLOW_HTTP": "1"}, "198.51.100.1"),
        ({"KEYTURN_SERVER_HOST": "nowhere.invalid", "KEYTURN_DANGER_ALLOW_HTTP": "1"}, "is no address of this machine"),
        ({"KEYTURN_DATABASE_URL": "sqlite:///missing.db"}, "does not exist; run 'keyturn db upgrade'"),
    ],
)
def test_a_server_that_can_not_serve_says_why(
    tmp_path: Path, environ: dict[str, str], changes: dict[str, str], sentence: str
) -> None:
    """One sentence for the operator, and no traceback."""
    said = refused(tmp_path, environ | changes)

    assert said.startswith("refused: ")
    assert sentence in said
    assert "Traceback" not in said


@pytest.mark.parametrize("place", ["alone", "second of two", "in a file"])
@pytest.mark.parametrize(
    "secret",
    [b"my-super-secret-master-key-2026!", bytes(range(32)), b"changeme".ljust(32, b"\0")],
    ids=["words", "bytes", "padded"],
)
def test_ver_21_a_guessable_master_key_stops_the_start(
    tmp_path: Path, environ: dict[str, str], secret: bytes, place: str
) -> None:
    """VER-21, A13, KEY-10: exit code 2 and a sentence that names the setting, and neither the key nor its bytes."""
    text = base64url.encode(secret)
    written = {"second of two": f"{MASTER_KEY},{text}"}.get(place, text)
    changes = {"KEYTURN_KEYS_MASTER_KEY": written}
    if place == "in a file":
        (tmp_path / "key").write_text(text)
        (tmp_path / "key").chmod(0o600)
        changes = {"KEYTURN_KEYS_MASTER_KEY": f"file:{tmp_path}/key"}
    command = [sys.executable, "-m", "keyturn", "serve"]
    ran = subprocess.run(
        command, env=environ | changes, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == 2
    assert "keys.master_key (KEYTURN_KEYS_MASTER_KEY): the master key can be guessed" in said
    for told in (text, secret.decode("latin-1"), MASTER_KEY):
        assert told not in said


def test_a_server_refuses_a_database_of_another_master_key(tmp_path: Path, environ: dict[str, str]) -> None:
    """KEY-10: nothing is overwritten, and the right key starts again."""
    with running(tmp_path, environ) as server:
        server.stop()

    said = refused(tmp_path, environ | {"KEYTURN_KEYS_MASTER_KEY": OTHER_MASTER_KEY})

    assert "keys.master_key (KEYTURN_KEYS_MASTER_KEY): this database was sealed with another master key" in said
    assert OTHER_MASTER_KEY not in said
    with running(tmp_path, environ) as server:
        assert server.stop() == (0, "")


def test_a_server_never_migrates(tmp_path: Path, environ: dict[str, str]) -> None:
    """An old schema is refused with the command that upgrades it, and stays as it is."""
    with closing(sqlite3.connect(tmp_path / "old.db")) as database:
        database.execute("CREATE TABLE schema_version (version BIGINT, name TEXT)")
        database.commit()
    before = (tmp_path / "old.db").read_bytes()

    said = refused(tmp_path, environ | {"KEYTURN_DATABASE_URL": "sqlite:///old.db"})

    assert f"has schema version 0 and needs {newest_version()}; run 'keyturn db upgrade'" in said
    assert (tmp_path / "old.db").read_bytes() == before


def test_a_port_that_is_taken_is_told(tmp_path: Path, environ: dict[str, str]) -> None:
    """By name, with what to do."""
    with socket.create_server(("127.0.0.1", int(environ["KEYTURN_SERVER_PORT"]))):
        said = refused(tmp_path, environ)

    assert "server.port (KEYTURN_SERVER_PORT): 127.0.0.1:" in said
    assert "is taken by another process; end that or choose another port" in said


def test_a_variable_that_is_no_setting_is_a_warning_in_the_log(tmp_path: Path, environ: dict[str, str]) -> None:
    """The server starts all the same."""
    with running(tmp_path, environ | {"KEYTURN_PORT": "tcp://10.0.0.1:80"}) as server:
        _, log = server.stop()

    assert [json.loads(line)["level"] for line in log.splitlines()] == ["warning"]


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n",
        b"GET /" + b"a" * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * MAX_FIELDS + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nX-Endless: " + b"a" * 2 * MAX_HEAD_BYTES,
        b"nonsense\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ],
    ids=["long field", "long path", "many fields", "endless field", "no HTTP", "two framings", "two lengths"],
)
def test_a_head_that_no_client_needs_is_refused(tmp_path: Path, environ: dict[str, str], request_: bytes) -> None:
    """A56: in our own words, and the connection ends; the next one is served."""
    with running(tmp_path, environ) as server:
        answer = ask(server.port, request_)

        assert answer.startswith(b"HTTP/1.1 400 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"] == "invalid_request"
        assert httpx2.get(f"http://127.0.0.1:{server.port}/healthz").status_code == 200


def test_a_crowd_leaves_the_server_its_descriptors(tmp_path: Path, environ: dict[str, str]) -> None:
    """Peers beyond the limit are told so, one line of the log says it, and those who came before are served."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    try:
        with running(tmp_path, environ) as server, contextlib.ExitStack() as crowd:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            peers = [
                crowd.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5)) for _ in range(400)
            ]
            time.sleep(0.3)
            turned_away = ask(server.port, b"")
            peers[0].sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert peers[0].recv(65536).startswith(b"HTTP/1.1 200")
            crowd.close()
            time.sleep(0.3)
            assert httpx2.get(f"http://127.0.0.1:{server.port}/readyz").status_code == 200
            _, log = server.stop()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert turned_away.startswith(b"HTTP/1.1 503 ")
    events = [json.loads(line) for line in log.splitlines()]
    assert [line["event"] for line in events if line["level"] != "info"] == ["too many connections"]


def test_a_database_that_can_not_be_written_refuses_to_start(tmp_path: Path, environ: dict[str, str]) -> None:
    """To SQLite a read-only folder looks like this: the log beside the file can't be made."""
    (tmp_path / "keyturn.db-wal").mkdir()

    said = refused(tmp_path, environ)

    assert said.startswith("refused: database.url: ")
    assert "writable" in said
