"""The database file under a server: read-only, locked, deleted, missing, full, or sealed with another master key.

What can't be stored is answered 503 with Retry-After and changes nothing. What is wrong at the start stops it with
exit code 2 and a sentence. Nothing is created or overwritten to get along.
"""

import asyncio
import ctypes
import hashlib
import json
import os
import resource
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from wire import JSON, Answer, ask, logout_request, me_request, refresh_request, request

from keyturn.core.issue import Issued
from keyturn.tokens.base64url import encode
from server import PASSWORD, Installation, Server, add_users, install, log_in, serving

pytestmark = pytest.mark.slow

BUSY_SECONDS = 5


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An installation with alice."""
    made = install(tmp_path / "disk")
    add_users(made, "alice")
    return made


@pytest.fixture
def alice(installation: Installation) -> Issued:
    """A session of hers."""
    return log_in(installation, "alice")[0]


@pytest.fixture
def server(installation: Installation, alice: Issued) -> Iterator[Server]:
    """The server."""
    with serving(installation) as running:
        yield running


def test_a_database_that_is_missing_stops_the_start(installation: Installation) -> None:
    """The start says which file is missing and what to do; it makes none."""
    installation.database.unlink()

    ended = installation.run("serve")

    assert ended.returncode == 2
    assert str(installation.database) in ended.stderr
    assert "keyturn db upgrade" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not installation.database.exists()


def test_another_master_key_stops_the_start_and_overwrites_nothing(installation: Installation, alice: Issued) -> None:
    """KEY-10: the start says so, and not a byte of the database is another one afterwards."""
    del alice
    before = digests(installation)
    key_file = Path(installation.environ["KEYTURN_KEYS_MASTER_KEY_FILE"])
    right = key_file.read_text()
    key_file.write_text(encode(secrets.token_bytes(32)))

    ended = installation.run("serve")

    assert ended.returncode == 2
    assert "keys.master_key" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert digests(installation) == before
    key_file.write_text(right)
    with serving(installation):
        pass


def test_a_database_that_is_read_only_stops_the_start(installation: Installation) -> None:
    """The start says that the file can't be written."""
    for path in (installation.database, installation.folder):
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        ended = installation.run("serve", preexec_fn=obey_permissions)
    finally:
        installation.folder.chmod(0o700)

    assert ended.returncode == 2
    assert "can't be" in ended.stderr
    assert str(installation.database) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_that_becomes_read_only_breaks_nothing(installation: Installation, alice: Issued) -> None:
    """REF-07: answers are 200 or 503, and a token that was refused with 503 is good afterwards."""
    server = Server(installation, preexec_fn=obey_permissions).wait_until_ready()
    try:
        for path in (*installation.folder.glob("keyturn.db*"), installation.folder):
            path.chmod(0o500 if path.is_dir() else 0o400)
        answer = present(server, alice.refresh_token)
        assert answer.status in {200, 503}
        assert answer.status == 200 or unavailable(answer)
    finally:
        for path in (installation.folder, *installation.folder.glob("keyturn.db*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
        server.stop()
    with serving(installation) as after:
        assert present(after, alice.refresh_token).status == 200


def test_a_database_that_is_locked_is_waited_for(installation: Installation, server: Server, alice: Issued) -> None:
    """REF-07: while another process holds the lock, what writes gets 503 and what reads goes on; then all is well."""
    with closing(sqlite3.connect(installation.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        reading = asyncio.run(ask(server.port, me_request(alice.access_token)))
        refused = present(server, alice.refresh_token)
        other.execute("ROLLBACK")

    assert reading.status == 200
    assert unavailable(refused)
    assert present(server, alice.refresh_token).status == 200


def test_a_lock_that_is_short_is_not_noticed(installation: Installation, server: Server, alice: Issued) -> None:
    """A backup or a command beside the server makes a refresh wait, and no more."""
    assert asyncio.run(refresh_under_lock(installation, server, alice)).status == 200


def test_a_database_that_is_deleted_is_missed_and_not_made_anew(
    installation: Installation, server: Server, alice: Issued
) -> None:
    """REF-07: the server says 503 and not ready; no empty database takes the place of the one that is gone."""
    for path in installation.folder.glob("keyturn.db*"):
        path.unlink()

    answers = [
        present(server, alice.refresh_token),
        login(server),
        asyncio.run(ask(server.port, request("GET", "/readyz"))),
    ]

    assert [answer.status for answer in answers] == [503, 503, 503]
    assert all(map(unavailable, answers[:2]))
    assert list(installation.folder.glob("keyturn.db*")) == []


def test_a_disk_that_is_full_refuses_and_recovers(installation: Installation, alice: Issued) -> None:
    """REF-07: nothing is acknowledged that is not stored; with room again, everything goes on."""
    with_room = log_in(installation, "alice", 3)
    server = Server(installation, preexec_fn=lambda: limit_files(installation.database.stat().st_size + 200_000))
    server.wait_until_ready()
    try:
        token, refused = asyncio.run(refresh_until_full(server, alice.refresh_token))
        assert unavailable(refused)
        left = [asyncio.run(ask(server.port, logout_request(each.refresh_token))) for each in with_room]
        assert {answer.status for answer in left} <= {204, 503}
    finally:
        server.kill()
    with closing(sqlite3.connect(installation.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with serving(installation) as after:
        assert present(after, token).status == 200
        for issued, answer in zip(with_room, left, strict=True):
            assert present(after, issued.refresh_token).status == (400 if answer.status == 204 else 200)


def present(server: Server, token: str) -> Answer:
    """Present a refresh token."""
    return asyncio.run(ask(server.port, refresh_request(token)))


def login(server: Server) -> Answer:
    """Log in over HTTP."""
    body = json.dumps({"username": "alice", "password": PASSWORD, "client": "native"}).encode()
    return asyncio.run(ask(server.port, request("POST", "/login", body, JSON)))


def unavailable(answer: Answer) -> bool:
    """Tell whether *answer* is the documented 503."""
    retry = answer.header("retry-after")
    return answer.status == 503 and answer.json()["error"] == "temporarily_unavailable" and bool(retry and int(retry))


async def refresh_under_lock(installation: Installation, server: Server, alice: Issued) -> Answer:
    """Refresh while the lock is held for a second."""
    with closing(sqlite3.connect(installation.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refreshing = asyncio.create_task(ask(server.port, refresh_request(alice.refresh_token)))
        await asyncio.sleep(1)
        other.execute("ROLLBACK")
        return await refreshing


async def refresh_until_full(server: Server, token: str) -> tuple[str, Answer]:
    """Refresh until the disk takes no more; return the last token and the refusal."""
    for _ in range(2000):
        answer = await ask(server.port, refresh_request(token))
        if answer.status != 200:
            return token, answer
        token = answer.json()["refresh_token"]
    raise AssertionError("the disk never was full")


def digests(installation: Installation) -> dict[str, str]:
    """Return the digest of each file of the database but the index of its log, which readers write."""
    files = [path for path in installation.folder.glob("keyturn.db*") if not path.name.endswith("-shm")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.stat().st_size}


def obey_permissions() -> None:
    """Have root obey file permissions as anybody does: drop the capabilities that override them."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def limit_files(size: int) -> None:
    """Let no file grow beyond *size* bytes: to SQLite that is a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
