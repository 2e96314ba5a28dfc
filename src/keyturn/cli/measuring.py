"""How fast this machine does what a server spends its time on. Each measurement takes about the seconds it is given."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from keyturn import store
from keyturn.cli.private_files import new_master_key
from keyturn.cli.workload import Anybody, BusySession, Tokens
from keyturn.server.clock import Clock
from keyturn.server.hash_threads import HashThreads, default_threads
from keyturn.server.hashing import Argon2Hasher, HashCost
from keyturn.server.services import open_services, prepare_to_serve
from keyturn.server.settings import Settings
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey

SESSIONS: Final = 64
"""Sessions that refresh at the same time."""

BATCH: Final = 200
"""Steps between two looks at the clock."""


def signatures(seconds: float) -> float:
    """Return ES256 signatures a second on one core."""
    key = SigningKey.generate(Algorithm.ES256)
    return _rate(lambda: key.sign(_MESSAGE), seconds)


def raw_verifications(seconds: float) -> float:
    """Return verifications of an ES256 signature a second on one core."""
    key = SigningKey.generate(Algorithm.ES256)
    signature = key.sign(_MESSAGE)
    return _rate(lambda: key.public.verify(_MESSAGE, signature), seconds)


def first_verifications(seconds: float) -> float:
    """Return whole access tokens a second that are verified for the first time, on one core."""
    tokens = Tokens()
    done, spent = 0, 0.0
    while spent < seconds:
        texts = [tokens.issue() for _ in range(BATCH)]
        started = time.perf_counter()
        for text in texts:
            tokens.check(text)
        spent += time.perf_counter() - started
        done += BATCH
    return done / spent


def repeated_verifications(seconds: float) -> float:
    """Return access tokens a second that were seen before, on one core."""
    tokens = Tokens()
    text = tokens.issue()
    return _rate(lambda: tokens.check(text), seconds)


async def hashes(settings: Settings, seconds: float) -> float:
    """Return argon2id hashes a second with the parameters and the threads in *settings*."""
    chosen = settings.password
    workers = chosen.concurrency or default_threads()
    threads = HashThreads(workers)
    cost = HashCost(memory_kib=chosen.memory_kib, time_cost=chosen.time_cost, parallelism=chosen.parallelism)
    hasher = Argon2Hasher(cost, threads)
    try:
        return await _async_rate([lambda: hasher.hash("correct horse battery staple")] * workers, seconds)
    finally:
        await threads.close()


async def refreshes(settings: Settings, seconds: float) -> float:
    """Return refreshes a second, each on the disk before it counts, on the database of *settings*, which is made."""
    await store.upgrade(settings.database.url)
    clock = Clock()
    opened = await open_services(settings, Anybody(), clock=clock)
    try:
        await prepare_to_serve(opened.services, now_ms=clock.now_ms())
        sessions = [await BusySession.start(opened.services, clock) for _ in range(SESSIONS)]
        return await _async_rate([session.refresh for session in sessions], seconds)
    finally:
        await opened.close()


def scratch_settings(directory: Path, config: Path | None) -> Settings:
    """Return settings for a database in *directory*; what is not about it is as configured."""
    return Settings.load(
        config=config,
        issuer="http://localhost:8080",
        database={"url": f"sqlite:///{directory.absolute()}/bench.db"},
        access_token={"audience": ["bench"]},
        keys={"master_key": new_master_key()},
        rate_limit={"login_per_ip": _UNLIMITED, "login_per_account": _UNLIMITED, "refresh_per_session": _UNLIMITED},
    )


def _rate(step: Callable[[], object], seconds: float) -> float:
    started = time.perf_counter()
    done, spent = 0, 0.0
    while not done or spent < seconds:  # once at least, however short the time and busy the machine
        for _ in range(BATCH):
            step()
        done += BATCH
        spent = time.perf_counter() - started
    return done / spent


async def _async_rate(steps: list[Callable[[], Awaitable[object]]], seconds: float) -> float:
    """Return how many of *steps* are done a second, each again as soon as it is done."""
    started = time.perf_counter()
    done = await asyncio.gather(*(_repeat(step, started + seconds) for step in steps))
    return sum(done) / (time.perf_counter() - started)


async def _repeat(step: Callable[[], Awaitable[object]], until: float) -> int:
    done = 0
    while not done or time.perf_counter() < until:
        await step()
        done += 1
    return done


_MESSAGE: Final = b"x" * 400  # about the length of an access token
_UNLIMITED: Final = "1000000/1s"
