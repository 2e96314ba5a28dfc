"""Doing a statement of a script: ``:name`` in the SQL that is shared with SQLite is ``$1`` for PostgreSQL."""

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeAlias, cast

from keyturn.store.sql.postgres.pool import Connection
from keyturn.store.sql.script import Rows, Statement, Value

Arguments: TypeAlias = tuple[Value, ...]


async def execute(connection: Connection, statement: Statement, *, timeout: float | None = None) -> Rows:  # noqa: ASYNC109 - asyncpg's own, which costs less
    """Do *statement* and return its rows.

    Raises:
        asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError: it can't be done.

    """
    sql, in_order = translated(statement[0])
    return cast("Rows", await connection.fetch(sql, *in_order(statement[1]), timeout=timeout))


async def execute_before(deadline: float, connection: Connection, statement: Statement) -> Rows:
    """Do what `execute` does before the *deadline* of the event loop's clock."""
    return await execute(connection, statement, timeout=left(deadline))


def left(deadline: float) -> float:
    """Return how many seconds are left until *deadline*, at least an instant: asyncpg takes no less."""
    return max(deadline - asyncio.get_running_loop().time(), 0.001)


@lru_cache(maxsize=1024)
def translated(sql: str) -> tuple[str, Callable[[Mapping[str, Value]], Arguments]]:
    """Return *sql* for PostgreSQL, and the function that puts named values into the order of its parameters.

    A name that occurs twice is one parameter. Worked out once for each text: a process knows some dozens.
    """
    names = list(dict.fromkeys(_NAME.findall(sql)))
    text = _NAME.sub(lambda match: f"${names.index(match[1]) + 1}", sql)
    return text, _in_order(names)


def _in_order(names: list[str]) -> Callable[[Mapping[str, Value]], Arguments]:
    if not names:
        return lambda _: ()
    if len(names) == 1:
        only = names[0]
        return lambda values: (values[only],)
    several: Callable[[Any], Arguments] = itemgetter(*names)
    return several


_NAME = re.compile(r"(?<!:):([a-z]\w*)")
