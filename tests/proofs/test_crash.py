"""The server is killed while refreshes and logouts run. What was answered holds; what was not can be asked for again.

A client whose connection broke does not know whether its token was spent. It asks again with the same one after the
restart, within the grace, and goes on with one lineage either way.
"""

import asyncio
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from wire import Answer, Wire, ask, logout_request, me_request, refresh_request

from keyturn.core.issue import Issued
from server import Installation, Server, add_users, install, log_in

pytestmark = pytest.mark.slow

CLIENTS = 12
LEAVERS = 40
BROKEN = (ConnectionError, asyncio.IncompleteReadError)


@dataclass(slots=True)
class Client:
    """A native client that refreshes again and again.

    Attributes:
        tokens: every token it was given, in order; the last one is current, or was sent and not answered.

    """

    tokens: list[str]
    access_token: str

    @classmethod
    def of(cls, issued: Issued) -> "Client":
        """Return the client of a login."""
        return cls(tokens=[issued.refresh_token], access_token=issued.access_token)

    async def refresh_until_broken(self, port: int) -> None:
        """Refresh over one connection until it breaks."""
        with suppress(*BROKEN):
            wire = await Wire.open(port)
            try:
                while True:
                    self.take(await wire.ask(refresh_request(self.tokens[-1])))
            finally:
                await wire.close()

    def take(self, answer: Answer) -> None:
        """Go on with what a refresh gave."""
        assert answer.status == 200, f"a client in order was refused: {answer.body!r}"
        body = answer.json()
        assert body["refresh_token"] not in self.tokens
        self.tokens.append(body["refresh_token"])
        self.access_token = body["access_token"]


@dataclass(slots=True)
class Storm:
    """Clients that refresh, sessions that log out, and what was answered to them.

    Attributes:
        left: sessions whose logout was answered.
        unsure: how many logouts were sent and not answered.

    """

    installation: Installation
    rng: Random
    clients: list[Client] = field(default_factory=list)
    left: list[Issued] = field(default_factory=list)
    rotations: int = 0
    logouts: int = 0
    unsure: int = 0

    async def rage_and_end(self, how: signal.Signals) -> int:
        """End a server in the middle of a storm and look at what is left, with another one; return the exit code."""
        missing = CLIENTS - len(self.clients)
        self.clients += map(Client.of, await asyncio.to_thread(log_in, self.installation, "alice", missing))
        server = await asyncio.to_thread(start, self.installation)
        await self._rage(server, how)
        code = await asyncio.to_thread(server.process.wait, 30)
        assert integrity(self.installation.database) == "ok"
        after = await asyncio.to_thread(start, self.installation)
        try:
            await self._check(after.port)
        finally:
            await asyncio.to_thread(after.stop)
        return code

    async def _rage(self, server: Server, how: signal.Signals) -> None:
        """Refresh and log out until the server is gone."""
        leavers = await asyncio.to_thread(log_in, self.installation, "bob", LEAVERS)
        before = sum(len(client.tokens) for client in self.clients)
        working = [client.refresh_until_broken(server.port) for client in self.clients]
        tasks = [asyncio.create_task(work) for work in (*working, self._log_out(server.port, leavers))]
        await asyncio.sleep(self.rng.uniform(0.03, 0.2))
        server.process.send_signal(how)
        await asyncio.gather(*tasks)
        self.rotations += sum(len(client.tokens) for client in self.clients) - before

    async def _log_out(self, port: int, leavers: list[Issued]) -> None:
        with suppress(*BROKEN):
            for issued in leavers:
                self.unsure += 1
                answer = await ask(port, logout_request(issued.refresh_token))
                assert answer.status == 204
                self.left.append(issued)
                self.unsure -= 1

    async def _check(self, port: int) -> None:
        """Assert that everything answered holds and everybody can go on."""
        for client in self.clients:
            client.take(await ask(port, refresh_request(client.tokens[-1])))
            assert (await ask(port, me_request(client.access_token))).status == 200
        for issued in self.left:
            refused = await ask(port, refresh_request(issued.refresh_token))
            assert refused.status == 400, "an acknowledged logout was lost"
            assert (await ask(port, me_request(issued.access_token))).status == 401
        self.logouts += len(self.left)
        self.left.clear()
        await self._replay(port, self.clients.pop(self.rng.randrange(len(self.clients))))

    async def _replay(self, port: int, client: Client) -> None:
        """Present a token whose successor was used, too; it ends the session."""
        client.take(await ask(port, refresh_request(client.tokens[-1])))
        for token in (client.tokens[-3], client.tokens[-1]):
            assert (await ask(port, refresh_request(token))).status == 400, "a used token was taken"


def test_a_killed_server_loses_nothing_it_has_answered(
    tmp_path: Path, full: bool, seed: int, say: Callable[[str], None]
) -> None:
    """REF-06, REF-08, A36: kill -9 in the middle: no logout lost, no used token taken, nobody logged out."""
    kills = 50 if full else 5
    storm = Storm(new_installation(tmp_path), Random(seed))

    for number in range(1, kills + 1):
        asyncio.run(storm.rage_and_end(signal.SIGKILL))
        if number % 10 == 0:
            say(f"{number} kills of {kills}")

    assert storm.logouts
    assert storm.rotations
    say(
        f"crash: {kills} kills, {storm.rotations} rotations and {storm.logouts} logouts answered, {storm.unsure}"
        " logouts unanswered; 0 lost, 0 used tokens taken, 0 clients logged out"
    )


def test_a_server_that_is_asked_to_end_answers_what_it_has_begun(tmp_path: Path, seed: int) -> None:
    """REF-06: SIGTERM ends with code 0, and everything that was answered holds."""
    storm = Storm(new_installation(tmp_path), Random(seed))
    for _ in range(2):
        code = asyncio.run(storm.rage_and_end(signal.SIGTERM))
        assert code == 0


def test_an_upgrade_that_was_killed_is_done_over(tmp_path: Path, full: bool, seed: int) -> None:
    """A36: kill -9 during ``keyturn db upgrade`` leaves a file that the next upgrade finishes."""
    rng = Random(seed)
    for number in range(20 if full else 3):
        installation = new_installation(tmp_path / str(number), users=False)
        for path in installation.folder.glob("keyturn.db*"):
            path.unlink()

        kill_upgrade(installation, rng.uniform(0, 0.012))
        again = installation.run("db", "upgrade")

        assert again.returncode == 0, again.stderr
        assert installation.run("db", "status").returncode == 0
        assert integrity(installation.database) == "ok"


def start(installation: Installation) -> Server:
    """Return a server that is ready."""
    return Server(installation).wait_until_ready()


def new_installation(folder: Path, *, users: bool = True) -> Installation:
    """Return an installation with alice, who refreshes, and bob, who leaves."""
    installation = install(folder)
    if users:
        add_users(installation, "alice", "bob")
    return installation


def kill_upgrade(installation: Installation, after_seconds: float) -> None:
    """Start an upgrade and kill it some milliseconds after it has made the file."""
    command = [sys.executable, "-m", "keyturn", "db", "upgrade"]
    with subprocess.Popen(
        command,
        env=dict(installation.environ),
        cwd=installation.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as upgrading:
        while not installation.database.exists() and upgrading.poll() is None:
            time.sleep(0.0002)
        time.sleep(after_seconds)
        upgrading.kill()


def integrity(database: Path) -> str:
    """Return what SQLite itself says of the file; ``ok`` is good."""
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        ((verdict,),) = connection.execute("PRAGMA integrity_check")
        return str(verdict)
