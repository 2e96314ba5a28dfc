"""Several verifier processes that watch the same tokens, and all that they said of them."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server import AUDIENCE, Installation, Server

PROGRAM = Path(__file__).with_name("verifier_process.py")
PATIENCE_SECONDS = 60.0
LONGEST_LINE = 1 << 26


@dataclass(frozen=True, slots=True)
class Change:
    """A verdict that changed. *until* is when the last judgement with the old one began, *at* when the new one was.

    Both are seconds of the monotonic clock; *was* is None, and *until* 0, for the first.
    """

    was: str | None
    until: float
    now: str
    at: float


@dataclass(slots=True)
class Watcher:
    """One verifier process.

    Attributes:
        interval: seconds between two of its polls; None for a long poll.
        changes: what it said of each token, in order.
        judged: how many judgements it has made.

    """

    process: asyncio.subprocess.Process
    interval: float | None
    changes: dict[str, list[Change]] = field(default_factory=dict)
    judged: int = 0

    def verdict(self, name: str) -> str | None:
        """Return what it thinks of a token now."""
        said = self.changes.get(name)
        return said[-1].now if said else None

    def order(self, **order: Any) -> None:
        """Tell it what to do."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(order).encode() + b"\n")

    async def listen(self) -> None:
        """Take in what it says until it ends."""
        assert self.process.stdout
        async for line in self.process.stdout:
            said = json.loads(line)
            self.judged = said["judged"]
            for name, *change in said["changes"]:
                self.changes.setdefault(name, []).append(Change(*change))

    async def end(self) -> None:
        """Let it come to its end."""
        assert self.process.stdin
        self.process.stdin.close()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise


@dataclass(slots=True)
class Watch:
    """All of them."""

    watchers: Sequence[Watcher]

    @property
    def judged(self) -> int:
        """How many judgements they have made."""
        return sum(watcher.judged for watcher in self.watchers)

    def judge(self, tokens: Mapping[str, str]) -> None:
        """Let each watch these tokens, by names of ours."""
        for watcher in self.watchers:
            watcher.order(judge=dict(tokens))

    def forget(self, names: Iterable[str]) -> None:
        """Let each watch these no more."""
        gone = list(names)
        for watcher in self.watchers:
            watcher.order(forget=gone)

    async def until(self, names: Iterable[str], is_so: Callable[[str | None], bool]) -> None:
        """Return when each thinks so of each token."""
        left = [(watcher, name) for watcher in self.watchers for name in names]
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while left := [(watcher, name) for watcher, name in left if not is_so(watcher.verdict(name))]:
            thought = {watcher.verdict(name) for watcher, name in left}
            assert time.monotonic() < give_up_at, f"{len(left)} verdicts never came; they are {thought}"
            await asyncio.sleep(0.01)

    async def until_good(self, names: Iterable[str]) -> None:
        """Return when each accepts each token."""
        await self.until(names, is_good)

    async def until_refused(self, names: Iterable[str]) -> None:
        """Return when each refuses each token."""
        await self.until(names, is_refusal)

    def histories(self, name: str) -> list[list[Change]]:
        """Return what each said of a token."""
        return [watcher.changes.get(name, []) for watcher in self.watchers]


def is_good(verdict: str | None) -> bool:
    """Tell whether the token was accepted."""
    return verdict == "good"


def is_refusal(verdict: str | None) -> bool:
    """Tell whether the token was refused; that it could not be judged is something else."""
    return verdict not in {None, "good", "unavailable"}


@asynccontextmanager
async def watching(
    installation: Installation,
    servers: Sequence[Server],
    feeds: Sequence[Mapping[str, Any] | None],
    **environ: str,
) -> AsyncIterator[Watch]:
    """Run a verifier process for each of *feeds*: the arguments of its ``Revocations``; each asks another server."""
    watchers: list[Watcher] = []
    listening: list[asyncio.Task[None]] = []
    try:
        for number, feed in enumerate(feeds):
            watcher = await _start(installation, servers[number % len(servers)], feed, environ)
            watchers.append(watcher)
            listening.append(asyncio.create_task(watcher.listen()))
        yield Watch(watchers)
    finally:
        await asyncio.gather(*(watcher.end() for watcher in watchers))
        await asyncio.gather(*listening)


async def _start(
    installation: Installation, server: Server, feed: Mapping[str, Any] | None, environ: Mapping[str, str]
) -> Watcher:
    told = {"issuer": installation.issuer, "audience": AUDIENCE, "server": server.url, "feed": feed}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        json.dumps(told),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
        env={"PATH": installation.environ["PATH"], **environ},
    )
    return Watcher(process, (feed or {}).get("interval"))
