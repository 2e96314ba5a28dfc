"""``keyturn serve`` by a clock that runs fast, its jobs as often by that clock; and on demand with a fault.

``hasty`` as the argument plants the fault: a rotation lets the key sign that it has just published.
"""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from fast_time import FastTime

from keyturn.__main__ import main
from keyturn.core import keys
from keyturn.server import app, jobs
from keyturn.server.clock import Clock

SHORTEST_SECONDS = 0.01
"""Real seconds between two runs of a job: a little rarer than it would be, which makes nothing easier."""

fast, jobs_of, publish = FastTime.told(), jobs.jobs_of, keys._publish


def system_ms(_: Clock) -> int:
    """Return the fast time."""
    return int(fast.time() * 1000)


async def not_corrected(_: Clock, _database_ms: Callable[[], Awaitable[int | None]]) -> None:
    """Leave the clock alone: the database's does not run fast."""


def more_often(*arguments: Any) -> tuple[jobs.Job, ...]:
    """Return the jobs, each as often by the fast clock as it is by the system's."""
    return tuple(replace(job, every=max(SHORTEST_SECONDS, job.every / fast.factor)) for job in jobs_of(*arguments))


def publish_and_activate(fresh: keys.FreshKey, now: int, _activate_at: int, origin: Any) -> Any:
    """Publish a key that signs as soon as a job looks at it."""
    return publish(fresh, now, now, origin)


if __name__ == "__main__":
    planted: Any = {"system_ms": system_ms, "correct": not_corrected}
    for name, method in planted.items():
        setattr(Clock, name, method)
    app.jobs.jobs_of = more_often  # type: ignore[attr-defined]
    if sys.argv[1:] == ["hasty"]:
        keys._publish = publish_and_activate
    sys.argv = ["keyturn", "serve"]
    main()
