"""What a server does on its own: follow revocations, rotate signing keys, seal the audit log, delete the rest.

Each job runs again and again until the server stops. One that fails is logged, once until it works again, and goes on.
Every process follows for itself; what one of them does for all is done by whoever has the turn.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from keyturn.core import keys
from keyturn.core.model import KeyState
from keyturn.core.prune import prune
from keyturn.core.sealer import EVERY_SECONDS
from keyturn.core.services import Services
from keyturn.server.clock import Clock
from keyturn.server.observing import logs
from keyturn.server.sealing import Sealing

PAUSE_SECONDS: Final = 0.05
"""Between two batches of deletions, so that requests come first."""

FOLLOW_SECONDS: Final = 0.25
"""After how long a revocation by another process is noticed, where the store tells of none."""

PRUNE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to do *every* so many seconds, or as soon as *wait*, which is given them, returns."""

    name: str
    every: float
    work: Callable[[], Awaitable[object]]
    wait: Callable[[float], Awaitable[object]] = asyncio.sleep


def jobs_of(services: Services, clock: Clock, sealing: Sealing | None = None) -> tuple[Job, ...]:
    """Return the jobs of a server. *sealing* is what its metrics ask how far the audit log is sealed."""
    log = services.store.revocations
    return (
        Job(
            name="follow revocations",
            every=FOLLOW_SECONDS,
            work=lambda: _follow_revocations(services),
            wait=log.wait_for_news,
        ),
        Job(name="rotate keys", every=2, work=lambda: _rotate_keys(services, clock)),
        Job(name="seal the audit log", every=EVERY_SECONDS, work=(sealing or Sealing(services, clock)).work),
        Job(name="correct the clock", every=10, work=lambda: correct_clock(services, clock)),
        Job(name="delete old rows", every=PRUNE_SECONDS, work=lambda: _delete_old(services, clock)),
    )


@asynccontextmanager
async def running(jobs: Sequence[Job]) -> AsyncIterator[None]:
    """Run *jobs* in the background, each for the first time after its ``every``."""
    tasks = [asyncio.create_task(_repeat(job), name=f"keyturn {job.name}") for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def correct_clock(services: Services, clock: Clock) -> None:
    """Measure by how much the database's clock is ahead, and say so once if it is too much."""
    was_off = clock.is_off
    await clock.correct(services.store.now_ms)
    if clock.is_off and not was_off:
        logs.get_logger().warning("clock of this host is off", offset_ms=clock.offset_ms)
    elif was_off and not clock.is_off:
        logs.get_logger().info("clock of this host is right again", offset_ms=clock.offset_ms)


async def _follow_revocations(services: Services) -> None:
    await services.denylist.catch_up_if_behind()
    view = services.denylist.view
    usable = (record.kid for record in services.keyring.records() if record.state is not KeyState.REVOKED)
    if any(view.revokes_key(kid) for kid in usable):  # elsewhere, just now: it leaves the JWK Set at once
        services.keyring.load(await services.store.signing_keys.list_all())


async def _rotate_keys(services: Services, clock: Clock) -> None:
    changes = await keys.rotate_if_due(services, now_ms=clock.now_ms())
    for event in changes.events:
        logs.get_logger().info(event.kind.value, **event.details)


async def _delete_old(services: Services, clock: Clock) -> None:
    """Forget what is over, by a clock that was looked at just now: what a wrong one deletes is gone for good."""
    await correct_clock(services, clock)
    now_ms = clock.now_ms()
    has_turn = await services.store.turns.take("delete old rows", now_ms, PRUNE_SECONDS * 1000)
    services.denylist.prune(now_ms / 1000)
    if has_turn:
        await prune(services.store, now_ms=now_ms, pause=lambda: asyncio.sleep(PAUSE_SECONDS))


async def _repeat(job: Job) -> None:
    failing = False
    while True:
        await job.wait(job.every)
        if failing:
            await asyncio.sleep(job.every)  # its wait may return at once for as long as something is broken
        error = await _outcome(job)
        if error is not None and not failing:
            logs.get_logger().error("job failed", job=job.name, exc_info=error)
        elif error is None and failing:
            logs.get_logger().info("job works again", job=job.name)
        failing = error is not None


async def _outcome(job: Job) -> Exception | None:
    try:
        await job.work()
    except Exception as error:  # noqa: BLE001 - whatever it is, the next turn may fare better
        return error
    return None
