"""Turns: one row a job says when the last one was taken. Whoever moves it has the turn, nobody else in the fleet."""

from keyturn.store.sql.script import Connection, Script

# A turn that lies ahead was taken by a clock that has been set back since: it holds nobody up.
TAKE = """
INSERT INTO turns (job, taken_at_ms) VALUES (:job, :now_ms)
ON CONFLICT (job) DO UPDATE SET taken_at_ms = :now_ms
WHERE turns.taken_at_ms <= :due_ms OR turns.taken_at_ms > :now_ms
RETURNING job
"""


class SqlTurns:
    """`core.ports.Turns` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def take(self, job: str, now_ms: int, every_ms: int) -> bool:
        """Take the turn of *job* if the last one was taken *every_ms* ago or longer; False if it is not due."""
        return await self._connection.write_singly(_take, job, now_ms, every_ms)


def _take(job: str, now_ms: int, every_ms: int) -> Script[bool]:
    taken = yield TAKE, {"job": job, "now_ms": now_ms, "due_ms": now_ms - every_ms}
    return bool(taken)
