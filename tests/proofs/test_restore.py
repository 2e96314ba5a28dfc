"""After a restore from a backup and ``keyturn db restored``, nothing that was given out before is good."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from backends import BACKENDS, new_database
from backups import back_up, restore
from population import login_request
from wire import ask, logout_request, me_request, refresh_request

from keyturn import InvalidToken, Revocations, Verifier
from server import AUDIENCE, PASSWORD, Installation, Server, add_users, install, serving

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 30.0


@dataclass(slots=True)
class Given:
    """All tokens that were handed out."""

    refresh: list[str] = field(default_factory=list)
    access: list[str] = field(default_factory=list)

    def take(self, body: dict[str, Any]) -> str:
        """Note the tokens of an answer; return the refresh token."""
        self.refresh.append(body["refresh_token"])
        self.access.append(body["access_token"])
        return self.refresh[-1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_after_a_restore_everybody_logs_in_again(tmp_path: Path, backend: str, say: Callable[[str], None]) -> None:
    """A36: logouts and refreshes that the backup has forgotten stay what they were: no token of before is taken."""
    installation = install(tmp_path / "restored", new_database(backend))
    add_users(installation, "alice")
    given = Given()
    with closing(Verifier(installation.issuer, AUDIENCE, revocations=Revocations(max_age=300))) as verifier:
        with serving(installation) as server:
            copy = asyncio.run(live(installation, server, given))
            verifier.verify(given.access[-1])
        restore(installation, copy)
        live_sessions = "SELECT count(*) FROM sessions WHERE ended_at IS NULL"
        assert installation.query(live_sessions) == [(2,)], "the backup knows of a logout that came later"

        done = installation.run("db", "restored", "--yes")

        assert done.returncode == 0, done.stderr
        assert installation.query(live_sessions) == [(0,)]
        with serving(installation) as server:
            asyncio.run(check_all_are_refused(server, given))
            wait_until_refused(verifier, given.access)
            asyncio.run(check_that_logins_work(server, verifier))
    say(f"restore on {backend}: {len(given.refresh)} refresh and {len(given.access)} access tokens, 0 taken")


async def live(installation: Installation, server: Server, given: Given) -> Path:
    """Log in, back up, and go on: one refreshes, one logs out, one is new; return the backup."""
    staying, leaving = [given.take(await log_in(server)) for _ in range(2)]
    copy = await asyncio.to_thread(back_up, installation)
    for _ in range(3):
        staying = given.take((await ask(server.port, refresh_request(staying))).json())
    assert (await ask(server.port, logout_request(leaving))).status == 204
    given.take(await log_in(server))
    return copy


async def check_all_are_refused(server: Server, given: Given) -> None:
    """Assert that no token is taken, whether the backup knows it or not."""
    for token in given.refresh:
        answer = await ask(server.port, refresh_request(token))
        assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")
    for token in given.access:
        assert (await ask(server.port, me_request(token))).status == 401


async def check_that_logins_work(server: Server, verifier: Verifier) -> None:
    """Assert that a new session is as good as any."""
    given = Given()
    token = given.take(await log_in(server))
    assert (await ask(server.port, me_request(given.access[-1]))).status == 200
    given.take((await ask(server.port, refresh_request(token))).json())
    await verifier.verify_async(given.access[-1])


async def log_in(server: Server) -> dict[str, Any]:
    """Log alice in over HTTP."""
    answer = await ask(server.port, login_request("alice", PASSWORD))
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.json()
    return body


def wait_until_refused(verifier: Verifier, texts: list[str]) -> None:
    """Wait until an API that has followed the feed since before refuses all of *texts* as revoked."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not all(is_revoked(verifier, text) for text in texts):
        assert time.monotonic() < give_up_at, "an API takes a token of before the restore"
        time.sleep(0.02)


def is_revoked(verifier: Verifier, text: str) -> bool:
    """Tell whether *text* is refused as revoked."""
    try:
        verifier.verify(text)
    except InvalidToken as refusal:
        return refusal.reason == "revoked"
    return False
