"""The server is killed while refreshes and logouts run. What was answered holds; what was not can be asked for again.

A client whose connection broke does not know whether its token was spent. It asks again with the same one after the
restart, within the grace, and goes on with one lineage either way.
"""

import asyncio
import os
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

import psutil
import pytest
from backends import BACKENDS, new_database
from population import Client, Population
from wire import Wire, ask, logout_request, me_request, refresh_request

from keyturn.core.issue import Issued
from server import Installation, Server, add_users, beside, install, log_in, serving

pytestmark = pytest.mark.slow

CLIENTS = 12
LEAVERS = 40
BROKEN = (ConnectionError, asyncio.IncompleteReadError)


@dataclass(slots=True)
class Storm:
    """Clients that refresh, sessions that log out, and what was answered to them.

    Attributes:
        left: sessions whose logout was answered.
        unsure: how many logouts were sent and not answered.
        codes: the exit codes of the servers that ended.

    """

    installation: Installation
    rng: Random
    clients: list[Client] = field(default_factory=list)
    left: list[Issued] = field(default_factory=list)
    rotations: int = 0
    logouts: int = 0
    unsure: int = 0
    codes: list[int] = field(default_factory=list)

    async def rage_and_end(self, server: Server, how: signal.Signals) -> Server:
        """End *server* in the middle of a storm; look at what is left with the next one, and return that."""
        leavers = await self._deal()
        await self._rage(server, how, leavers)
        self.codes.append(await asyncio.to_thread(server.process.wait, 30))
        if self.installation.database.exists():
            assert integrity(self.installation.database) == "ok"
        following = await asyncio.to_thread(start, self.installation)
        try:
            await self._check(following.port)
        except BaseException:
            following.kill()
            raise
        return following

    async def _deal(self) -> list[Issued]:
        """Start the sessions that are missing, and return those of the leavers."""
        async with beside(self.installation) as opened:
            missing = CLIENTS - len(self.clients)
            self.clients += map(Client.of, await opened.log_in("alice", missing))
            return await opened.log_in("bob", LEAVERS)

    async def _rage(self, server: Server, how: signal.Signals, leavers: list[Issued]) -> None:
        """Refresh and log out until the server is gone."""
        before = sum(len(client.tokens) for client in self.clients)
        working = [refresh_until_broken(client, server.port) for client in self.clients]
        tasks = [asyncio.create_task(work) for work in (*working, self._log_out(server.port, leavers))]
        # A slow machine is killed in the middle too, and not before it has begun.
        while not self.logouts and not self.left and not tasks[-1].done():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
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


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_killed_server_loses_nothing_it_has_answered(
    tmp_path: Path, backend: str, full: bool, seed: int, say: Callable[[str], None]
) -> None:
    """REF-06, REF-08, A36: kill -9 in the middle: no logout lost, no used token taken, nobody logged out."""
    kills = 150 if full else 3
    storm = Storm(new_installation(tmp_path, new_database(backend)), Random(seed))
    server = start(storm.installation)
    try:
        for number in range(1, kills + 1):
            server = asyncio.run(storm.rage_and_end(server, signal.SIGKILL))
            if number % 25 == 0:
                say(f"{number} kills of {kills} on {backend}")
    finally:
        server.stop()

    assert storm.logouts
    assert storm.rotations
    assert storm.codes == [-signal.SIGKILL] * kills
    say(
        f"crash on {backend}: {kills} kills, {storm.rotations} rotations and {storm.logouts} logouts answered,"
        f" {storm.unsure} logouts unanswered; 0 lost, 0 used tokens taken, 0 clients logged out"
    )


def test_a_server_that_is_asked_to_end_answers_what_it_has_begun(tmp_path: Path, seed: int) -> None:
    """REF-06: SIGTERM ends with code 0, and everything that was answered holds."""
    storm = Storm(new_installation(tmp_path), Random(seed))
    server = start(storm.installation)
    try:
        for _ in range(2):
            server = asyncio.run(storm.rage_and_end(server, signal.SIGTERM))
    finally:
        server.stop()
    assert storm.codes == [0, 0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_killed_worker_is_replaced_and_nobody_is_logged_out(
    tmp_path: Path, backend: str, full: bool, seed: int, say: Callable[[str], None]
) -> None:
    """REF-06, REF-08, A36: kill -9 of one of two workers: requests under way break, and can be repeated."""
    kills = 20 if full else 2
    installation = new_installation(tmp_path, new_database(backend)).with_(KEYTURN_SERVER_WORKERS="2")
    sessions = log_in(installation, "alice", CLIENTS)

    with serving(installation) as server:
        clients, broken = asyncio.run(kill_workers(server, sessions, kills, Random(seed)))

    rotations = sum(len(client.tokens) - 1 for client in clients)
    say(f"workers on {backend}: {kills} kills, {rotations} rotations answered, {broken} broken; 0 clients logged out")


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


async def refresh_until_broken(client: Client, port: int) -> None:
    """Refresh over one connection until it breaks."""
    with suppress(*BROKEN):
        wire = await Wire.open(port)
        try:
            while True:
                client.take(await wire.ask(refresh_request(client.tokens[-1])))
        finally:
            await wire.close()


async def kill_workers(server: Server, sessions: list[Issued], kills: int, rng: Random) -> tuple[list[Client], int]:
    """Kill one worker after the other under load; return the clients, and how many requests broke."""
    people = Population([server], rng, [Client.of(issued) for issued in sessions])
    async with asyncio.TaskGroup() as group:
        people.tasks = [group.create_task(people.keep_refreshing(client)) for client in people.clients]
        for _ in range(kills):
            workers = await two_workers(server)
            await asyncio.sleep(rng.uniform(0, 0.3))
            os.kill(rng.choice(workers), signal.SIGKILL)
            await people.recovered(time.monotonic())
        await two_workers(server)
        await people.rest()
    await people.check()
    return people.clients, people.broken


async def two_workers(server: Server) -> list[int]:
    """Wait until both workers are there; return their process ids."""
    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at:
        workers = psutil.Process(server.process.pid).children()
        if len(workers) == 2:
            return [worker.pid for worker in workers]
        await asyncio.sleep(0.05)
    raise AssertionError("the worker was not replaced")


def new_installation(folder: Path, url: str | None = None, *, users: bool = True) -> Installation:
    """Return an installation with alice, who refreshes, and bob, who leaves."""
    installation = install(folder, url)
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
