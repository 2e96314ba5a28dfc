"""A server of several equal processes: they are one server, whichever answers, and whoever of them ends."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from installation import MASTER_KEY, installed
from server_process import PROGRAM, Running, refused, running

from free_ports import free_port

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"
PATIENCE_SECONDS = 30.0


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment for two workers in this folder, whose database is there."""
    installed(tmp_path)
    port = free_port()
    return {
        "KEYTURN_ISSUER": f"http://127.0.0.1:{port}",
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": "my-api",
        "KEYTURN_KEYS_MASTER_KEY": MASTER_KEY,
        "KEYTURN_DATABASE_URL": f"sqlite:///{tmp_path}/keyturn.db",
        "KEYTURN_PASSWORD_MEMORY_KIB": "7168",
        "KEYTURN_PASSWORD_TIME_COST": "5",
        "KEYTURN_REGISTRATION_MODE": "open",
        "KEYTURN_RATE_LIMIT_REFRESH_PER_SESSION": "100000/1s",
        "KEYTURN_SERVER_PORT": str(port),
        "KEYTURN_SERVER_WORKERS": "2",
        "KEYTURN_LOG_FORMAT": "json",
        "KEYTURN_LOG_LEVEL": "warning",
    }


def ask(server: Running, method: str, path: str, **options: Any) -> httpx2.Response:
    """Ask on a new connection: the kernel chooses who answers."""
    return httpx2.request(method, f"http://127.0.0.1:{server.port}{path}", timeout=20, **options)


def login(server: Running) -> dict[str, Any]:
    """Register somebody and log in."""
    ask(server, "POST", "/register", json={"username": "ada", "password": PASSWORD})
    answer = ask(server, "POST", "/login", json={"username": "ada", "password": PASSWORD, "client": "native"})
    tokens: dict[str, Any] = answer.json()
    return tokens


def refresh(server: Running, tokens: dict[str, Any]) -> dict[str, Any]:
    """Refresh; return the new tokens."""
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answer = ask(server, "POST", "/token", data=form)
    assert answer.status_code == 200, answer.text
    renewed: dict[str, Any] = answer.json()
    return renewed


def workers(server: Running) -> set[int]:
    """Return the ids of the processes below the one that was started."""
    return {child.pid for child in psutil.Process(server.process.pid).children()}


def eventually(holds: Callable[[], object]) -> None:
    """Return once it holds."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def counted(server: Running, route: str) -> float:
    """Return how many requests /metrics says there were for a route."""
    text = ask(server, "GET", "/metrics").text
    lines = [line for line in text.splitlines() if f'route="{route}"' in line and "duration_seconds_count" in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


@contextmanager
def load_on(server: Running, *, threads: int = 2) -> Iterator[list[str]]:
    """Ask without a pause, half of it on connections that are kept open; what fails is in the list."""
    failures: list[str] = []
    stop = threading.Event()

    def keep_asking(new_connections: bool) -> None:
        client = httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=20)
        with client:
            while not stop.is_set():
                try:
                    status = (ask(server, "GET", "/healthz") if new_connections else client.get("/healthz")).status_code
                except httpx2.HTTPError as error:
                    status = repr(error)
                if status != 200:
                    failures.append(str(status))

    running_threads = [threading.Thread(target=keep_asking, args=(number % 2 == 0,)) for number in range(threads)]
    for thread in running_threads:
        thread.start()
    try:
        yield failures
    finally:
        stop.set()
        for thread in running_threads:
            thread.join()


def test_whoever_answers_it_is_one_server(tmp_path: Path, environ: dict[str, str]) -> None:
    """REF-03, REF-08: a session goes on at any worker, and once its end is answered no worker takes a token of it."""
    with running(tmp_path, environ) as server:
        assert server.ready.endswith(", 2 workers\n")
        first = tokens = login(server)
        for _ in range(30):
            tokens = refresh(server, tokens)
        bearer = {"Authorization": f"Bearer {first['access_token']}"}
        assert {ask(server, "GET", "/me", headers=bearer).status_code for _ in range(30)} == {200}

        assert ask(server, "POST", "/logout", headers=bearer).status_code == 204

        assert {ask(server, "GET", "/me", headers=bearer).status_code for _ in range(100)} == {401}
        assert server.stop() == (0, "")


def test_both_workers_answer_and_metrics_are_their_sum(tmp_path: Path, environ: dict[str, str]) -> None:
    """Each has its share of 64 connections, and whoever is asked tells what both have counted."""
    with running(tmp_path, environ) as server:
        peers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(64)]
        for peer in peers:
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert peer.recv(65536).startswith(b"HTTP/1.1 200")
        held = [len(_connections_of(pid, server.port)) for pid in sorted(workers(server))]
        for peer in peers:
            peer.close()

        assert sum(held) == 64
        assert min(held) >= 10  # by chance alone it is less once in a hundred million times
        eventually(lambda: counted(server, "/healthz") == 64)
        assert {counted(server, "/healthz") for _ in range(20)} == {64}


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path, environ: dict[str, str]) -> None:
    """What it counted stays counted, and no request fails but the one it was answering."""
    with running(tmp_path, environ) as server:
        before = workers(server)
        victim = min(before)
        for _ in range(40):
            ask(server, "GET", "/jwks")
        eventually(lambda: counted(server, "") == 40)
        with load_on(server, threads=4) as failures:
            time.sleep(0.3)
            os.kill(victim, signal.SIGKILL)
            eventually(lambda: victim not in workers(server) and len(workers(server)) == 2)
            time.sleep(1)

        assert len(failures) <= 4, failures  # at most what each client had under way
        assert workers(server) & before == before - {victim}
        assert counted(server, "") == 40
        code, log = server.stop()

    assert code == 0
    (line,) = [json.loads(line) for line in log.splitlines()]
    assert (line["event"], line["pid"], line["code"]) == ("a worker ended", victim, -9)


def test_the_end_of_the_server_is_the_end_of_all(tmp_path: Path, environ: dict[str, str]) -> None:
    """SIGTERM: nobody is left, and the database is closed."""
    with running(tmp_path, environ) as server:
        below = workers(server)
        assert server.stop() == (0, "")

    assert not [pid for pid in below if psutil.pid_exists(pid)]
    assert not (tmp_path / "keyturn.db-wal").exists()


def test_a_request_is_finished_before_the_end(tmp_path: Path, environ: dict[str, str]) -> None:
    """Whichever worker has it."""
    body = b'{"username": "ada", "password": "a password"}'
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with running(tmp_path, environ) as server, socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.sendall(head % len(body) + body[:10])
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        peer.sendall(body[10:])
        peer.settimeout(10)

        assert peer.recv(65536).startswith(b"HTTP/1.1 401")
        assert server.process.wait(10) == 0


def test_a_second_signal_hastens_the_end(tmp_path: Path, environ: dict[str, str]) -> None:
    """A peer that never sends the rest of its request would hold it up for ten seconds."""
    with running(tmp_path, environ) as server, socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.sendall(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
        time.sleep(0.2)
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        began = time.monotonic()
        server.process.send_signal(signal.SIGINT)

        assert server.process.wait(20) == 0
        assert time.monotonic() - began < 8


def test_workers_do_not_outlive_the_one_that_started_them(tmp_path: Path, environ: dict[str, str]) -> None:
    """Killed without a chance to say so, it leaves nobody behind, and the port free for the next start."""
    with running(tmp_path, environ) as server, socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.sendall(b"POST /login HTTP/1.1\r\nHost: x\r\n")  # and no more of it
        time.sleep(0.2)
        below = workers(server)
        server.process.kill()
        server.process.wait()
        killed_at = time.monotonic()
        eventually(lambda: not [pid for pid in below if psutil.pid_exists(pid)])
        assert time.monotonic() - killed_at < 10

    with running(tmp_path, environ) as server:
        assert server.stop() == (0, "")


def test_a_reload_replaces_the_workers_and_no_request_fails(tmp_path: Path, environ: dict[str, str]) -> None:
    """Settings are read anew; what was counted stays counted; the log says when all is done."""
    config = tmp_path / "keyturn.toml"
    config.write_text('[access_token]\nlifetime = "10m"\n')
    with running(tmp_path, environ | {"KEYTURN_CONFIG": str(config), "KEYTURN_LOG_LEVEL": "info"}) as server:
        tokens, before = login(server), workers(server)
        logins = _logins(server)
        config.write_text('[access_token]\nlifetime = "5m"\n')
        with load_on(server, threads=4) as failures:
            time.sleep(0.3)
            server.process.send_signal(signal.SIGHUP)
            eventually(lambda: len(workers(server)) == 2 and not workers(server) & before)
            time.sleep(0.5)

        assert failures == []
        assert {refresh(server, tokens)["expires_in"] for _ in range(10)} == {300}
        assert _logins(server) == logins == 1
        code, log = server.stop()

    assert code == 0
    assert log.count("the workers are replaced") == 1


def test_a_connection_that_is_kept_open_is_not_cut_off_by_a_reload(tmp_path: Path, environ: dict[str, str]) -> None:
    """The next answer on it says that it is the last; a client that goes by that loses no request."""
    with running(tmp_path, environ) as server, ExitStack() as stack:
        kept = [HTTPConnection("127.0.0.1", server.port, timeout=10) for _ in range(8)]
        for connection in kept:
            stack.callback(connection.close)
            assert _answers(connection)
        server.process.send_signal(signal.SIGHUP)
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while kept:
            assert time.monotonic() < give_up_at
            time.sleep(0.1)
            kept = [connection for connection in kept if _answers(connection)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[access_token]\nlifetime = '10h'\n", "settings refused"),
        ("[database]\nurl = 'sqlite:///missing.db'\n", "replacing the workers has stopped"),
    ],
)
def test_a_reload_that_can_not_be_followed_changes_nothing(
    tmp_path: Path, environ: dict[str, str], text: str, said: str
) -> None:
    """The old workers go on with the old settings, and the log says why."""
    config = tmp_path / "keyturn.toml"
    config.write_text(f"[database]\nurl = '{environ.pop('KEYTURN_DATABASE_URL')}'\n")
    with running(tmp_path, environ | {"KEYTURN_CONFIG": str(config)}) as server:
        before = workers(server)
        config.write_text(text)
        server.process.send_signal(signal.SIGHUP)
        time.sleep(3)

        assert workers(server) == before
        assert {ask(server, "GET", "/readyz").status_code for _ in range(10)} == {200}
        code, log = server.stop()

    assert code == 0
    assert said in log


def test_one_process_serves_on_after_a_hang_up(tmp_path: Path, environ: dict[str, str]) -> None:
    """The signal's own effect would be its sudden end; the log says what to do instead."""
    with running(tmp_path, environ | {"KEYTURN_SERVER_WORKERS": "1"}) as server:
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert ask(server, "GET", "/readyz").status_code == 200
        code, log = server.stop()

    assert code == 0
    assert "run several, or restart it" in log


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_server_ends_with_the_terminal_that_it_was_started_in(
    tmp_path: Path, environ: dict[str, str], count: str
) -> None:
    """A SIGHUP while the terminal is there is none of its end."""
    ours, theirs = os.openpty()
    with running(tmp_path, environ | {"KEYTURN_SERVER_WORKERS": count}, stdin=theirs) as server:
        os.close(theirs)
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert ask(server, "GET", "/healthz").status_code == 200
        os.close(ours)
        server.process.send_signal(signal.SIGHUP)
        assert server.process.wait(20) == 0


def test_what_no_worker_can_start_with_is_said_once(tmp_path: Path, environ: dict[str, str]) -> None:
    """As of one process: one sentence, no traceback, nobody left behind."""
    said = refused(tmp_path, environ | {"KEYTURN_DATABASE_URL": "sqlite:///missing.db"})

    assert said.startswith("refused: ")
    assert said.count("does not exist; run 'keyturn db upgrade'") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize("options", [{}, {"reuse_port": True}], ids=["alone", "would share"])
def test_a_port_that_is_taken_is_told(tmp_path: Path, environ: dict[str, str], options: dict[str, bool]) -> None:
    """Even if whoever has it would share it: half of the requests would go astray."""
    with socket.create_server(("127.0.0.1", int(environ["KEYTURN_SERVER_PORT"])), **options):
        said = refused(tmp_path, environ)

    assert said.count("is taken by another process") == 1


def test_workers_that_die_again_and_again_are_given_up(tmp_path: Path, environ: dict[str, str]) -> None:
    """With a clear sentence instead of a loop that nobody notices."""
    broken = PROGRAM.replace("except ConfigurationError", "except KeyturnError").replace(
        "from keyturn.errors import ConfigurationError",
        "import os\nfrom keyturn.errors import KeyturnError\nfrom keyturn.server.processes import worker\n"
        "worker.create_app = lambda *_, **__: os._exit(7)",
    )
    said = refused(tmp_path, environ, broken)

    assert said.splitlines()[-1] == "refused: The workers end as soon as they start: the log says why."
    assert said.count('"code":7') >= 5


def test_systemd_is_told_when_all_are_ready(tmp_path: Path, environ: dict[str, str]) -> None:
    """Type=notify: once at the start, once at the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        with running(tmp_path, environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")}) as server:
            assert systemd.recv(100) == b"READY=1"
            server.stop()
            assert systemd.recv(100) == b"STOPPING=1"


def _answers(connection: HTTPConnection) -> bool:
    """Ask on a connection that is open; return whether it stays so."""
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b'{"status":"ok"}')
    return answer.getheader("connection") != "close"


def _connections_of(pid: int, port: int) -> list[Any]:
    connections = psutil.Process(pid).net_connections("tcp")
    return [each for each in connections if each.status == "ESTABLISHED" and each.laddr.port == port]


def _logins(server: Running) -> float:
    """Return how many logins /metrics says there were."""
    text = ask(server, "GET", "/metrics").text
    (line,) = [line for line in text.splitlines() if line.startswith("keyturn_logins_total{")]
    return float(line.rpartition(" ")[2])
