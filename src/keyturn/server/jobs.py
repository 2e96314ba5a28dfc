"""What a server does on its own: follow revocations, rotate signing keys, delete what can no longer matter.

Each job runs again and again until the server stops. One that fails is logged, once until it works again, and goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from keyturn.core import keys
from keyturn.core.prune import prune
from keyturn.core.services import Services
from keyturn.server import logs
from keyturn.server.clock import Clock

PAUSE_SECONDS = 0.05
"""Between two batches of deletions, so that requests come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to do *every* so many seconds."""

    name: str
    every: float
    work: Callable[[], Awaitable[object]]


def jobs_of(services: Services, clock: Clock) -> tuple[Job, ...]:
    """Return the jobs of a server."""

    async def follow_revocations() -> None:
        await services.denylist.catch_up()
        services.denylist.view.prune(clock.now_ms() / 1000)

    async def rotate_keys() -> None:
        changes = await keys.rotate_if_due(services, now_ms=clock.now_ms())
        for event in changes.events:
            logs.get_logger().info(event.kind.value, **event.details)

    async def delete_old() -> None:
        await prune(services.store, now_ms=clock.now_ms(), pause=lambda: asyncio.sleep(PAUSE_SECONDS))

    return (
        Job(name="follow revocations", every=1, work=follow_revocations),
        Job(name="rotate keys", every=2, work=rotate_keys),
        Job(name="delete old rows", every=60, work=delete_old),
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


async def _repeat(job: Job) -> None:
    failing = False
    while True:
        await asyncio.sleep(job.every)
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
