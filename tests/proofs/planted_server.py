"""``keyturn serve`` with a fault: its refresh checks first and writes after. For the proof that the races see it."""

import asyncio
import sys
from typing import Any

from keyturn.__main__ import main
from keyturn.core.ports import Advance, Advanced
from keyturn.store.sql.script import Script
from keyturn.store.sql.session_rows import COLUMNS, session_of
from keyturn.store.sql.sessions import SqlSessions

WRITE = f"""
UPDATE sessions SET generation = generation + 1, rotated_at_ms = :now_ms WHERE handle = :handle RETURNING {COLUMNS}
"""

advance = SqlSessions.advance


async def check_then_write(self: SqlSessions, order: Advance) -> Advanced:
    """Read, wait a moment, write whatever was read."""
    found = await self.find(order.handle)
    if found is None or found.ended_at is not None or found.generation != order.from_generation:
        return await advance(self, order)
    await asyncio.sleep(0.001)
    return await self._connection.write(_write(order))


def _write(order: Advance) -> Script[Advanced]:
    (row,) = yield WRITE, {"handle": order.handle, "now_ms": order.now_ms}
    return Advanced(moved=True, session=session_of(row), newest_revocation=0)


if __name__ == "__main__":
    planted: Any = check_then_write
    SqlSessions.advance = planted  # type: ignore[method-assign]
    sys.argv = ["keyturn", "serve"]
    main()
