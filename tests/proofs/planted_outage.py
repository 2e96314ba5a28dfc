"""``keyturn serve`` with a fault: to it a database that is down has no such session. For the proof that it is seen."""

import sys
from typing import Any

from keyturn.__main__ import main
from keyturn.core.model import Session, User
from keyturn.errors import TemporarilyUnavailable
from keyturn.store.sql.sessions import SqlSessions

find_with_user = SqlSessions.find_with_user


async def find_or_give_up(self: SqlSessions, handle: bytes) -> tuple[Session, User | None] | None:
    """Return what there is, and nothing if the database can't say."""
    try:
        return await find_with_user(self, handle)
    except TemporarilyUnavailable:
        return None


if __name__ == "__main__":
    planted: Any = find_or_give_up
    SqlSessions.find_with_user = planted  # type: ignore[method-assign]
    sys.argv = ["keyturn", "serve"]
    main()
