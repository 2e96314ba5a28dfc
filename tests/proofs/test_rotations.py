"""KEY-03, KEY-04: keys change under load, signing keys and the master key, and nobody in order is refused.

A key signs after it has been published for fifteen minutes. So the clock of servers and verifiers alike runs 600 times
as fast, and with it all that is measured in seconds: the schedule of the keys, the age of a cached key set, the life of
a token. Every length stays as it is in the product. Whatever a process is late by counts 600 times, too.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from backends import new_database
from clients import Client, Round, keep_refreshing, log_in_at
from fast_time import FastTime
from watchers import Watch, watching
from wire import ask, me_request, refresh_request, request

from keyturn.core.policy import KeyPolicy
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.base64url import decode, encode
from server import SERVE, Installation, Server, add_users, install

pytestmark = pytest.mark.slow

FACTOR = 600.0
PUBLISH_AHEAD = 900
KEEP_RETIRED = KeyPolicy(algorithm=Algorithm.ES256, rotate_every=0, publish_ahead=0).keep_retired
CLIENTS = 6
PAUSE_SECONDS = 0.05
FAST_SERVER = str(Path(__file__).with_name("fast_server.py"))
SETTINGS: Final = {
    "KEYTURN_ACCESS_TOKEN_LIFETIME": "60m",
    "KEYTURN_KEYS_PUBLISH_AHEAD": f"{PUBLISH_AHEAD}s",
    "KEYTURN_KEYS_ROTATE_EVERY": "365d",
    "KEYTURN_ROLES": '{"user": ["orders:read"], "admin": []}',
}


@dataclass(slots=True)
class Observer:
    """Shows every token to everybody who judges tokens, and writes down who was wrong."""

    fast: FastTime
    servers: Sequence[Server]
    watch: Watch
    rng: Random
    expiries: dict[str, int] = field(default_factory=dict)
    live: dict[str, str] = field(default_factory=dict)
    first_seen: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    asked: int = 0

    async def use(self, client: Client) -> None:
        """Take a fresh token in; ask both servers about it and about an older one."""
        text = client.access_token
        now, (kid, claims) = self.fast.time(), parts_of(text)
        if kid not in self.first_seen:
            await self._look_for(kid)
            self.first_seen[kid] = now
        name = claims["jti"]
        self.expiries[name], self.live[name] = claims["exp"], text
        self.watch.judge({name: text})
        self._forget_old()
        for shown in {name, self.rng.choice(list(self.live or {name: text}))}:
            await self._show(shown)

    async def until_rotated(self, times: int) -> None:
        """Return when tokens of so many keys were seen."""
        async with asyncio.timeout(60):
            while len(self.first_seen) < times and not self.wrong:  # noqa: ASYNC110 - its tokens come all the time
                await asyncio.sleep(0.01)

    def refusals(self) -> list[str]:
        """Return what verifiers said of tokens that had not expired by then."""
        return [
            f"{change.now} {self.expiries[name] - self._fast(change.at):.0f} s before its time was over"
            for name in self.expiries
            for history in self.watch.histories(name)
            for change in history
            if change.now != "good" and self._fast(change.at) < self.expiries[name]
        ]

    async def _look_for(self, kid: str) -> None:
        for server in self.servers:
            answer = await ask(server.port, request("GET", "/.well-known/jwks.json"))
            if kid not in {key["kid"] for key in answer.json()["keys"]}:
                self.wrong.append(f"the key set of {server.url} has no {kid}, which signs already")

    async def _show(self, name: str) -> None:
        for server in self.servers:
            answer = await ask(server.port, me_request(self.live.get(name, "")))
            self.asked += 1
            if answer.status != 200 and self.fast.time() < self.expiries[name]:
                self.wrong.append(f"{server.url} answered {answer.status} to a token that is good")

    def _forget_old(self) -> None:
        gone = [name for name in self.live if self.expiries[name] < self.fast.time()]
        for name in gone:
            del self.live[name]
        self.watch.forget(gone)

    def _fast(self, at: float) -> float:
        return self.fast.epoch + (at - self.fast.began) * self.fast.factor


def test_keys_rotate_under_load_and_no_valid_token_is_refused(
    tmp_path: Path, full: bool, seed: int, say: Callable[[str], None]
) -> None:
    """KEY-03, KEY-04: two servers, two verifiers; none signs with a key that was not published long enough."""
    rotations = 200 if full else 5

    observer, installation = rotate_under_load(tmp_path, rotations, seed, [FAST_SERVER], say)

    assert observer.wrong == []
    assert observer.refusals() == []
    assert len(observer.first_seen) == rotations + 1
    check_schedule(installation, observer)
    say(
        f"{rotations} rotations: {len(observer.expiries)} tokens, {observer.asked} requests, {observer.watch.judged}"
        " verdicts, 0 valid tokens refused"
    )


def test_the_load_sees_a_key_that_signs_as_soon_as_it_is_published(tmp_path: Path, seed: int) -> None:
    """KEY-03: the proof can fail: a rotation that skips the wait makes it red."""
    observer, installation = rotate_under_load(tmp_path, 3, seed, [FAST_SERVER, "hasty"], lambda _: None)

    with pytest.raises(AssertionError, match="published"):
        check_schedule(installation, observer)


def test_the_master_key_changes_under_load_and_nobody_is_refused(
    tmp_path: Path, full: bool, say: Callable[[str], None]
) -> None:
    """KEY-04, KEY-10: first every server knows the new one, then every server uses it, then the old one may go."""
    installation = install(tmp_path, new_database("postgresql"), **SETTINGS)
    add_users(installation, "alice")
    old, new = (installation.folder / "master.key").read_text(), encode(secrets.token_bytes(32))
    lists = [",".join(keys) for keys in ((old,), (old, new), (new, old), (new,))]
    stages = [with_master_keys(installation, text) for text in lists]

    with fleet(stages[0], 3 if full else 2) as servers:
        asyncio.run(roll_under_load(stages, servers, say))


async def roll_under_load(stages: Sequence[Installation], servers: list[Server], say: Callable[[str], None]) -> None:
    """Bring all servers from stage to stage, one server at a time, while clients refresh."""
    round_, over, given = Round(servers), asyncio.Event(), list[str]()
    clients = [await log_in_at(round_, "alice") for _ in range(CLIENTS)]
    resting, forgotten = [await log_in_at(round_, "alice") for _ in range(2)]
    async with watching(stages[0], servers[:1], [{"max_age": 60}]) as watch:

        async def use(client: Client) -> None:
            given.append(f"token {len(given)}")
            watch.judge({given[-1]: client.access_token})
            assert (await round_.ask(me_request(client.access_token))).status == 200, "an access token was refused"

        loading = asyncio.create_task(keep_refreshing(clients, over, use, PAUSE_SECONDS))
        watch.judge({"the first token": resting.access_token})
        await watch.until_good(["the first token"])
        await roll(round_, stages[1])
        await roll(round_, stages[2])
        rewrapped = await asyncio.to_thread(stages[2].run, "keys", "rewrap")
        assert rewrapped.returncode == 0, rewrapped.stderr
        await resting.refresh()
        await roll(round_, stages[3])
        over.set()
        await loading
        refused = await round_.ask(refresh_request(forgotten.refresh_token))
        assert (refused.status, refused.json()["error"]) == (400, "invalid_grant")
        await watch.until_good(given)
        said = {change.now for name in given for history in watch.histories(name) for change in history}
    assert said == {"good"}
    assert min(client.refreshes for client in clients) > len(stages)
    refreshes = sum(client.refreshes for client in clients)
    say(
        f"master key: {3 * len(servers)} restarts, {refreshes} refreshes, {round_.retries} tried again, 0 refused;"
        f" {watch.judged} verdicts, 0 refused"
    )


def rotate_under_load(
    folder: Path, rotations: int, seed: int, command: Sequence[str], say: Callable[[str], None]
) -> tuple[Observer, Installation]:
    """Rotate again and again by the admin API, while clients refresh and everybody judges what they get."""
    fast = FastTime.starting_now(FACTOR)
    installation = install(folder, new_database("postgresql"), **SETTINGS, **fast.as_environ())
    add_users(installation, "alice")
    add_users(installation, "root", roles=("admin",))

    async def run(servers: list[Server]) -> Observer:
        round_, over = Round(servers), asyncio.Event()
        clients = [await log_in_at(round_, "alice") for _ in range(CLIENTS)]
        root = await log_in_at(round_, "root", installation.issuer)
        async with watching(installation, servers, [None, None], **fast.as_environ()) as watch:
            observer = Observer(fast, servers, watch, Random(seed))
            loading = asyncio.create_task(keep_refreshing(clients, over, observer.use, PAUSE_SECONDS))
            await observer.until_rotated(1)
            for number in range(1, rotations + 1):
                await rotate(root)
                await observer.until_rotated(number + 1)
                if number % 20 == 0:
                    say(f"{number} rotations of {rotations}")
            over.set()
            await loading
            await watch.until(list(observer.live), lambda verdict: verdict is not None)
        return observer

    with fleet(installation, 2, command) as servers:
        return asyncio.run(run(servers)), installation


async def rotate(root: Client) -> None:
    """Publish the next key by the admin API; with a fresh token, as the old one may be over by now."""
    await root.refresh()
    ask_for_it = request("POST", "/admin/api/keys/rotate", Authorization=f"Bearer {root.access_token}")
    answer = await root.round.ask(ask_for_it)
    assert answer.status == 204, answer.body


async def roll(round_: Round, stage: Installation) -> None:
    """Stop each server and start it again on its port with other settings, one after the other."""
    for place, server in enumerate(list(round_.servers)):
        await asyncio.to_thread(server.stop)
        port = {"KEYTURN_SERVER_PORT": str(server.port)}
        again = Installation(folder=stage.folder, port=server.port, environ={**stage.environ, **port})
        round_.servers[place] = Server(again)
        await asyncio.to_thread(round_.servers[place].wait_until_ready)


def check_schedule(installation: Installation, observer: Observer) -> None:
    """Assert by the audit log that keys were published long enough before they signed, and after."""
    at = moments(installation)
    first = min(at["key_created"], key=lambda kid: at["key_created"][kid])
    for kid in observer.first_seen.keys() - {first}:
        signs_at = min(at["key_activated"][kid], observer.first_seen[kid])  # not "iat", which is of the request's start
        assert signs_at - at["key_created"][kid] >= PUBLISH_AHEAD, f"{kid} signed before it was published long enough"
    for kid, removed_at in at.get("key_removed", {}).items():
        assert removed_at - at["key_retired"][kid] >= KEEP_RETIRED, f"{kid} was removed too early"
    kept = len(at["key_created"]) - len(at.get("key_removed", {}))
    assert kept <= KEEP_RETIRED / PUBLISH_AHEAD + 3, f"{kept} keys are there still"


def moments(installation: Installation) -> Mapping[str, Mapping[str, int]]:
    """Return when what befell each key, in epoch seconds."""
    found: dict[str, dict[str, int]] = {}
    for kind, at_ms, details in installation.query("SELECT kind, at_ms, details FROM audit WHERE kind LIKE 'key%'"):
        found.setdefault(kind, {})[json.loads(details)["kid"]] = at_ms // 1000
    return found


def with_master_keys(installation: Installation, text: str) -> Installation:
    """Return the installation with another list of master keys, in a file of its own."""
    path = installation.folder / f"master-{secrets.token_hex(4)}.key"
    path.write_text(text)
    path.chmod(0o600)
    return installation.with_(KEYTURN_KEYS_MASTER_KEY_FILE=str(path))


@contextmanager
def fleet(installation: Installation, many: int, command: Sequence[str] = SERVE) -> Iterator[list[Server]]:
    """Run so many servers; the list may be changed, and whatever is in it at the end is stopped."""
    servers: list[Server] = []
    with ExitStack() as stack:
        stack.callback(lambda: [server.stop() for server in servers])
        for number in range(many):
            servers.append(Server(installation.at_another_port() if number else installation, command))
            servers[-1].wait_until_ready()
        yield servers


def parts_of(text: str) -> tuple[str, dict[str, Any]]:
    """Return the ``kid`` and the claims of a token."""
    header, claims, _ = text.split(".")
    return json.loads(decode(header))["kid"], json.loads(decode(claims))
