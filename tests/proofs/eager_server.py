"""``keyturn serve`` that seals the audit log all the time, and waits for no turn: so that many do at the same moment.

``forked`` as the argument plants a fault: a seal whose number is taken goes behind the newest one instead.
"""

import sys
from dataclasses import replace
from typing import Any

from keyturn.__main__ import main
from keyturn.core.model import Seal
from keyturn.server import app, jobs
from keyturn.store.sql.audit_seals import SqlAuditSeals
from keyturn.store.sql.turns import SqlTurns

EVERY_SECONDS = 0.002

jobs_of, add = jobs.jobs_of, SqlAuditSeals.add


async def take(_: SqlTurns, *_of: object) -> bool:
    """Let everybody have their turn."""
    return True


def all_the_time(*arguments: Any) -> tuple[jobs.Job, ...]:
    """Return the jobs, the sealing without a rest."""
    return tuple(
        replace(job, every=EVERY_SECONDS) if job.name == "seal the audit log" else job for job in jobs_of(*arguments)
    )


async def add_anyway(self: SqlAuditSeals, seal: Seal) -> bool:
    """Add the seal, wherever there is room."""
    while not await add(self, seal):
        seal = replace(seal, number=(await self.extent()).seals + 1)
    return True


if __name__ == "__main__":
    planted: Any = {"take": take, "add": add_anyway}
    SqlTurns.take = planted["take"]  # type: ignore[method-assign]
    app.jobs.jobs_of = all_the_time  # type: ignore[attr-defined]
    if sys.argv[1:] == ["forked"]:
        SqlAuditSeals.add = planted["add"]  # type: ignore[method-assign]
    sys.argv = ["keyturn", "serve"]
    main()
