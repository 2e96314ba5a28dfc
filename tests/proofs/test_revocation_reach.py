"""REF-16, A39: what is revoked at one server is refused by verifiers in other processes, within a second.

They are under load, and never ask about a single token. How long it takes is measured from the answer to the
revocation to the first refusal, by the clock that all processes of a machine share.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import pgbouncer
import pytest
from backends import new_database
from races import Field
from revokers import Batch, Doomed, Revokers
from watchers import Watch, Watcher, is_refusal, watching
from wire import refresh_request

from server import Installation, Server, beside, install, serving

pytestmark = pytest.mark.slow

POLL_SECONDS: Final = 1.0
FEEDS: Final[Sequence[dict[str, Any]]] = ({}, {}, {}, {"interval": POLL_SECONDS})
PATIENT: Final[dict[str, Any]] = {"max_age": 60}

ALL = 2000
AT_ONCE = 8
BOUND_SECONDS = 1.0
OUTAGE_SECONDS = 3.0
SLACK_SECONDS = 3.0
"""What a share allows beyond the bound: it may run beside anything. The run in full is what measures."""

PLACES: Final = ("sqlite", "postgresql", "postgresql and valkey", *(["pgbouncer"] if pgbouncer.PROGRAM else []))


@dataclass(slots=True)
class Reach:
    """Revocations that were acknowledged, when, and how long it took each verifier to hear of them."""

    watch: Watch
    acknowledged: dict[str, float] = field(default_factory=dict)

    def note(self, names: Sequence[str]) -> None:
        """Take the time: these tokens are revoked."""
        self.acknowledged |= dict.fromkeys(names, time.monotonic())

    def delays(self, watcher: Watcher) -> list[float]:
        """Return how long after the acknowledgement each token was refused, in order; all were good until then."""
        found = []
        for name, acknowledged_at in self.acknowledged.items():
            first, *_, last = watcher.changes[name]
            assert first.now == "good", f"{name} was never accepted: {first.now}"
            assert is_refusal(last.now), f"{name} is {last.now} again"
            assert last.until < last.at
            found.append(max(0.0, last.at - acknowledged_at))
        return sorted(found)

    def stale(self, watcher: Watcher, bound: float) -> int:
        """Return how many tokens were still accepted when the *bound* was over."""
        return sum(
            any(change.was == "good" and change.until - acknowledged_at > bound for change in watcher.changes[name])
            for name, acknowledged_at in self.acknowledged.items()
        )


@pytest.fixture
def slack(full: bool) -> float:
    """Seconds beyond the bound."""
    return 0.0 if full else SLACK_SECONDS


@pytest.mark.parametrize("place", PLACES)
def test_a_revocation_of_any_kind_reaches_every_api(  # noqa: PLR0917 - fixtures
    tmp_path: Path, place: str, full: bool, slack: float, seed: int, say: Callable[[str], None]
) -> None:
    """REF-16, A39: in a second by long poll, in an interval more by poll; nothing else is refused."""
    wanted = ALL if full else 40

    async def run(installation: Installation, servers: list[Server]) -> None:
        async with (
            beside(installation) as opened,
            Field(servers, Random(seed)) as ground,
            watching(installation, servers, FEEDS) as watch,
        ):
            await opened.add_users("root", roles=("admin",))
            (admin,) = await opened.log_in("root", for_issuer=True)
            reach, spared = await revoke_many(watch, Revokers(ground, opened, admin), wanted, say)
            await watch.until_refused(reach.acknowledged)
            assert_nothing_else_was_refused(watch, spared)
            for watcher in watch.watchers:
                say_and_check(watcher, reach, place, slack, say)
            say(f"{place}: {len(spared)} tokens beside, {watch.judged} verdicts, 0 false refusals")

    with two_servers(tmp_path, place) as (installation, servers):
        asyncio.run(run(installation, servers))


def test_a_revoked_key_reaches_every_api_and_the_next_one_serves(
    tmp_path: Path, full: bool, slack: float, seed: int, say: Callable[[str], None]
) -> None:
    """KEY-04: all that the key signed is refused within a second; new tokens, by another key, are accepted."""
    rounds = 10 if full else 2

    async def run(installation: Installation, servers: list[Server]) -> None:
        async with (
            beside(installation) as opened,
            Field(servers, Random(seed)) as ground,
            watching(installation, servers, FEEDS[:3]) as watch,
        ):
            await opened.add_users("alice")
            sessions = [issued.refresh_token for issued in await opened.log_in("alice", 40)]
            for number in range(rounds):
                sessions, old = await refreshed(ground, sessions, f"{number}-old")
                watch.judge(old)
                await watch.until_good(old)
                reach = Reach(watch)
                began_at = await revoke_active_key(installation)
                reach.note(list(old))
                sessions, new = await refreshed(ground, sessions, f"{number}-new")
                given_at = time.monotonic()
                watch.judge(new)
                await asyncio.gather(watch.until_good(new), watch.until_refused(old))
                await asyncio.sleep(0.2)
                assert_good_from_the_first_time(watch, new)
                slowest = max(max(reach.delays(watcher)) for watcher in watch.watchers)
                refused_at = max(history[-1].at for name in old for history in watch.histories(name))
                good_at = max(history[-1].at for name in new for history in watch.histories(name))
                assert slowest <= BOUND_SECONDS + slack
                say(
                    f"key {number}: refused {slowest:.3f} s after the command had ended, {refused_at - began_at:.3f} s"
                    f" after it began to write; the next one's tokens good in {good_at - given_at:.3f} s"
                )
                watch.forget([*old, *new])

    with two_servers(tmp_path, "postgresql") as (installation, servers):
        asyncio.run(run(installation, servers))


def test_an_outage_loses_no_revocation(tmp_path: Path, full: bool, seed: int, say: Callable[[str], None]) -> None:
    """REF-16: what was revoked while no server answered is refused soon after one does; others are good all along."""
    rounds = 5 if full else 1

    async def run(installation: Installation) -> None:
        async with beside(installation) as opened:
            await opened.add_users("root", roles=("admin",))
            (admin,) = await opened.log_in("root", for_issuer=True)
            server = await asyncio.to_thread(start, installation)
            try:
                async with watching(installation, [server], [PATIENT] * 3) as watch:
                    for number in range(rounds):
                        async with Field([server], Random(seed + number)) as ground:
                            revokers = Revokers(ground, opened, admin, iter([number]))
                            reach, spared = await revoke_around_a_crash(watch, revokers, server, number)
                        await asyncio.sleep(OUTAGE_SECONDS)
                        server = await asyncio.to_thread(start, installation)
                        back_at = time.monotonic()
                        await watch.until_refused(reach.acknowledged)
                        took, many = time.monotonic() - back_at, len(reach.acknowledged)
                        say(f"outage {number}: all {many} refused {took:.3f} s after a server was there again")
                        assert_nothing_else_was_refused(watch, spared)
                        unjudged = [name for name in spared for history in watch.histories(name) if len(history) > 1]
                        assert not unjudged, "the view was too old during an outage shorter than max_age"
            finally:
                await asyncio.to_thread(server.stop)

    asyncio.run(run(install(tmp_path, new_database("postgresql"), **SETTINGS)))


def test_a_new_api_knows_all_that_was_revoked_before(tmp_path: Path, say: Callable[[str], None]) -> None:
    """REF-16: of 25,000 entries, three pages, the first, the middle and the last one count from the first verdict."""

    async def run(installation: Installation, servers: list[Server]) -> None:
        async with beside(installation) as opened, Field(servers, Random(1)) as ground:
            await opened.add_users("alice", "root", roles=("admin",))
            (admin,) = await opened.log_in("root", for_issuer=True)
            revokers = Revokers(ground, opened, admin)
            first, middle, last, spared = await opened.log_in("alice", 4)
            for issued, others in ((first, 12_500), (middle, 12_500), (last, 0)):
                await revokers._logout(issued, admin).revoke()
                await insert_revocations(installation, others)
            began = time.monotonic()
            async with watching(installation, servers, [{}, {}, {"interval": POLL_SECONDS}]) as watch:
                revoked = {name: issued.access_token for name, issued in (("1", first), ("2", middle), ("3", last))}
                watch.judge({**revoked, "spared": spared.access_token})
                await watch.until_good(["spared"])
                await watch.until_refused(revoked)
            for name in revoked:
                for history in watch.histories(name):
                    assert "good" not in {change.now for change in history}, "a revoked token was accepted"
            say(f"a snapshot of 25,003 entries: known {time.monotonic() - began:.2f} s after the processes started")

    with two_servers(tmp_path, "postgresql") as (installation, servers):
        asyncio.run(run(installation, servers))


SETTINGS: Final = {
    "KEYTURN_ACCESS_TOKEN_LIFETIME": "60m",
    "KEYTURN_ROLES": '{"user": ["orders:read"], "admin": []}',
}


@contextmanager
def two_servers(folder: Path, place: str) -> Iterator[tuple[Installation, list[Server]]]:
    """Run two processes on a database of that kind."""
    installation = install_at(folder, place)
    with serving(installation) as one, serving(installation.at_another_port()) as other:
        yield installation, [one, other]


def install_at(folder: Path, place: str) -> Installation:
    """Make an installation on a database of that kind."""
    if place == "sqlite":
        return install(folder, **SETTINGS)
    url = new_database("postgresql")
    assert url
    if place == "pgbouncer":
        pooled = {"KEYTURN_DATABASE_URL": pgbouncer.shared().url_of(url), "KEYTURN_DATABASE_POOLER": "transaction"}
        return install(folder, url, **pooled, **SETTINGS)
    if place == "postgresql and valkey":
        import valkey_servers  # noqa: PLC0415 - only here is there one

        return install(folder, url, KEYTURN_REDIS_URL=valkey_servers.emptied_url(), **SETTINGS)
    return install(folder, url, **SETTINGS)


async def revoke_many(
    watch: Watch, revokers: Revokers, wanted: int, say: Callable[[str], None]
) -> tuple[Reach, list[str]]:
    """Revoke batch after batch until there were enough; return the revocations and the names of the spared tokens."""
    reach, spared, number = Reach(watch), list[str](), 0
    while len(reach.acknowledged) < wanted:
        batch = await revokers.batch()
        spared += await all_good(watch, batch, number)
        revokers.ground.rng.shuffle(batch.doomed)
        await revoke_all(reach, batch.doomed, number)
        number += 1
        if number % 10 == 0:
            say(f"{len(reach.acknowledged)} revocations of {wanted}")
    spared += await revoke_one_by_one(reach, revokers, number, 5 if wanted < ALL else 40)
    return reach, spared


async def revoke_one_by_one(reach: Reach, revokers: Revokers, number: int, many: int) -> list[str]:
    """Revoke when nothing else goes on that would bring the news along; return the names of the spared tokens."""
    batch, rng = await revokers.batch(), revokers.ground.rng
    spared = await all_good(reach.watch, batch, number)
    rng.shuffle(batch.doomed)
    for each in batch.doomed[:many]:
        await revoke_all(reach, [each], number)
        await reach.watch.until_refused(names_of(each, number))
    return spared


async def revoke_around_a_crash(
    watch: Watch, revokers: Revokers, server: Server, number: int
) -> tuple[Reach, list[str]]:
    """Revoke by requests, kill the server at once, and revoke beside it; return that and the names of the spared."""
    batch = await revokers.batch()
    reach, spared = Reach(watch), await all_good(watch, batch, number)
    by_command = [doomed for doomed in batch.doomed if doomed.kind == "revoke a user's tokens"]
    await revoke_all(reach, [doomed for doomed in batch.doomed if doomed not in by_command], number)
    await asyncio.to_thread(server.kill)
    await revoke_all(reach, by_command, number)
    return reach, spared


async def all_good(watch: Watch, batch: Batch, number: int) -> list[str]:
    """Wait until each verifier has accepted each token; return the names of those that stay good."""
    spared = {f"spared-{number}-{place}": text for place, text in enumerate(batch.spared)}
    doomed = {name: text for each in batch.doomed for name, text in names_of(each, number).items()}
    watch.judge(spared | doomed)
    await watch.until_good([*spared, *doomed])
    return list(spared)


async def revoke_all(reach: Reach, doomed: Sequence[Doomed], number: int) -> None:
    """Revoke, several at a time, and take the time of each acknowledgement."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def revoke(each: Doomed) -> None:
        async with turns:
            await each.revoke()
            reach.note(list(names_of(each, number)))

    await asyncio.gather(*map(revoke, doomed))


def names_of(doomed: Doomed, number: int) -> dict[str, str]:
    """Return the tokens by names that say what became of them."""
    return {f"{doomed.kind}-{number}-{text[-12:]}": text for text in doomed.tokens}


def say_and_check(watcher: Watcher, reach: Reach, place: str, slack: float, say: Callable[[str], None]) -> None:
    """Print how long it took one verifier to hear of all, and hold that to the bound."""
    bound = BOUND_SECONDS + slack + (watcher.interval or 0)
    delays, stale = reach.delays(watcher), reach.stale(watcher, bound)
    middle, most, longest = delays[len(delays) // 2], delays[int(len(delays) * 0.99)], delays[-1]
    how = f"poll every {watcher.interval:g} s" if watcher.interval else "long poll"
    say(
        f"{place}, {how}: {len(delays)} tokens revoked, refused after p50 {middle:.3f} p99 {most:.3f}"
        f" max {longest:.3f} s; {stale} stale accepts after {bound:g} s"
    )
    assert most <= bound
    assert stale == 0


def assert_nothing_else_was_refused(watch: Watch, spared: Sequence[str]) -> None:
    """Assert that a token which nobody revoked was good whenever it could be judged."""
    for name in spared:
        for history in watch.histories(name):
            said = [change.now for change in history]
            assert said[-1:] == ["good"], f"{name} is not good: {said}"
            assert not any(map(is_refusal, said)), f"{name} was refused: {said}"


def assert_good_from_the_first_time(watch: Watch, names: dict[str, str]) -> None:
    """Assert that no verifier took a token back that it had accepted."""
    for name in names:
        for history in watch.histories(name):
            said = [change.now for change in history]
            assert said.count("good") == 1, f"{name}: {said}"
            assert said[-1] == "good", f"{name}: {said}"


async def refreshed(ground: Field, sessions: Sequence[str], name: str) -> tuple[list[str], dict[str, str]]:
    """Refresh all at once; return the refresh tokens, and the access tokens by name."""
    answers = await ground.present([refresh_request(token) for token in sessions])
    assert {answer.status for answer in answers} == {200}
    given = [answer.json() for answer in answers]
    access_tokens = {f"{name}-{place}": body["access_token"] for place, body in enumerate(given)}
    return [body["refresh_token"] for body in given], access_tokens


async def revoke_active_key(installation: Installation) -> float:
    """Run ``keyturn keys revoke`` for the key that signs now; return the moment at which it began to write.

    It ends some time after it has revoked the key, so that is told by the audit event, in time of the monotonic clock.
    """
    ((kid,),) = await asyncio.to_thread(installation.query, "SELECT kid FROM signing_keys WHERE state = 'active'")
    done = await asyncio.to_thread(installation.run, "keys", "revoke", "--yes", "--", kid)
    assert done.returncode == 0, done.stderr
    ((at_ms,),) = await asyncio.to_thread(installation.query, "SELECT max(at_ms) FROM audit WHERE kind = 'key_revoked'")
    return float(at_ms) / 1000 - time.time() + time.monotonic()


async def insert_revocations(installation: Installation, many: int) -> None:
    """Append entries that stand for sessions nobody knows, all in one statement; they last for an hour."""
    if not many:
        return
    import asyncpg  # noqa: PLC0415 - only here

    connection = await asyncpg.connect(installation.database_url)
    try:
        async with connection.transaction():
            last = await connection.fetchval("UPDATE revocation_sequence SET last = last + $1 RETURNING last", many)
            await connection.execute(INSERT_MANY, last - many, many, int(time.time()) + 3600)
    finally:
        await connection.close()


INSERT_MANY: Final = """
INSERT INTO revocations (seq, kind, digest, cut_off, expires_at)
SELECT $1::bigint + n, 'sid', substring(sha256(n::text::bytea) FROM 1 FOR 16), NULL, $3::bigint
FROM generate_series(1, $2::bigint) AS n
"""


def start(installation: Installation) -> Server:
    """Return a server that is ready."""
    return Server(installation).wait_until_ready()
