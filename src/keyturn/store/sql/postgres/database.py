"""The PostgreSQL database as a `Connection`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, ParamSpec, TypeVar, cast

from keyturn.store.sql.postgres.faults import FAULTS, UNDONE, is_of_one_statement, unavailable
from keyturn.store.sql.postgres.listener import Listener
from keyturn.store.sql.postgres.location import Location
from keyturn.store.sql.postgres.merging import Key, Merger
from keyturn.store.sql.postgres.opening import Connector
from keyturn.store.sql.postgres.pool import Connection, Pool
from keyturn.store.sql.postgres.statements import Arguments, execute_before, left
from keyturn.store.sql.script import Abort, Rows, Script, Statement, drive_async
from keyturn.store.sql.sessions import ADVANCE, FIND_WITH_USER

P = ParamSpec("P")
T = TypeVar("T")

STEP_SECONDS: Final = 5.0
"""How long a step may take, from its call on: the wait for a connection, the connecting and every statement."""

ATTEMPTS: Final = 5
"""How often a step is made that PostgreSQL undoes for the sake of another one. The order of locks makes that rare."""

LOOK_SECONDS: Final = 0.25
"""How soon whoever waits for news looks for themselves where nobody can tell them: behind a pooler."""

NOW_MS: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"


# The two statements of a refresh. A handle is the key of its row.
_MERGED: Final = {FIND_WITH_USER: Key(parameter="handle", column=1), ADVANCE: Key(parameter="handle", column=1)}


class PostgresConnection:
    """A pool of connections, and one that listens. For one event loop.

    Args:
        location: where the database is.
        pooler: ``database.pooler``.

    """

    def __init__(self, location: Location, *, pooler: str = "") -> None:
        connecting = Connector(location, pooler=pooler).connect
        self._pool = Pool(connecting)
        self._mergers = {sql: Merger(sql, key, self._many) for sql, key in _MERGED.items()}
        self._listener = None if pooler else Listener(connecting)

    def read(self, step: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run a script that only reads. Each statement sees all that was committed before it.

        Not one snapshot for them all, as on SQLite: of the scripts with several, none relies on that, and a
        transaction around each read would cost two more round trips.
        """
        return self._singly(step(*args, **kwargs))

    async def write(self, step: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a script as one atomic step, which is durable when this returns."""
        deadline = _deadline()
        attempts = 0
        while True:
            attempts += 1
            try:
                return await self._as_one(step(*args, **kwargs), deadline)
            except FAULTS as error:
                if attempts == ATTEMPTS or not isinstance(error, UNDONE):
                    raise unavailable(error) from None

    def write_singly(self, step: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run a script whose statements each commit for themselves, which saves the two round trips around them.

        If the connection is lost before the answer, nobody knows whether the statement was committed. The caller hears
        `TemporarilyUnavailable`, and a refresh that is tried again gets the same answer as if it had been the first.
        """
        return self._singly(step(*args, **kwargs))

    async def now_ms(self) -> int | None:
        """Return the time of the database's clock in epoch milliseconds."""
        return await self._singly(_now_ms())

    async def wait_for_news(self, seconds: float) -> None:
        """Return when a process may have appended to the revocation log, at the latest after *seconds*."""
        if self._listener is None:
            await asyncio.sleep(min(seconds, LOOK_SECONDS))
        else:
            await self._listener.wait(seconds)

    async def close(self) -> None:
        """Finish what is under way and close every connection."""
        if self._listener:
            await self._listener.close()
        for merger in self._mergers.values():
            await merger.close()
        await self._pool.close()

    async def _singly(self, script: Script[T]) -> T:
        try:
            return await drive_async(script, partial(self._alone, _deadline()))
        except FAULTS as error:
            raise unavailable(error) from None
        except Abort as abort:
            result: T = abort.result  # type: ignore[assignment] # it is what the script would have returned
            return result

    async def _alone(self, deadline: float, statement: Statement) -> Rows:
        """Do a statement that commits for itself, or together with the same of others."""
        merger = self._mergers.get(statement[0])
        if merger:
            return await merger.ask(statement[1], deadline)
        async with self._lent(deadline) as connection:
            return await execute_before(deadline, connection, statement)

    async def _many(self, sql: str, arguments: Sequence[Arguments], deadline: float) -> Rows:
        async with self._lent(deadline) as connection:
            if len(arguments) == 1:
                return cast("Rows", await connection.fetch(sql, *arguments[0], timeout=left(deadline)))
            return cast("Rows", await connection.fetchmany(sql, arguments, timeout=left(deadline)))

    async def _as_one(self, script: Script[T], deadline: float) -> T:
        async with self._lent(deadline) as connection:
            return await _in_transaction(connection, script, deadline)

    @asynccontextmanager
    async def _lent(self, deadline: float) -> AsyncIterator[Connection]:
        """Lend a connection; raise faults as they are, but see to it that nothing of them is left behind."""
        connection = await self._pool.acquire(deadline)
        try:
            yield connection
        except FAULTS as error:
            self._return_after(error, connection)
            raise
        except BaseException:  # the script's own, or cancelled amid a statement whose answer is still to come
            self._pool.discard(connection)
            raise
        self._pool.release(connection)

    def _return_after(self, error: BaseException, connection: Connection) -> None:
        """Keep a connection on which a statement was refused; where the server itself is gone, keep none."""
        if is_of_one_statement(error):
            self._pool.release(connection)
            return
        self._pool.discard(connection)
        self._pool.discard_idle()


async def _in_transaction(connection: Connection, script: Script[T], deadline: float) -> T:
    await connection.execute("BEGIN", timeout=left(deadline))
    try:
        result = await drive_async(script, partial(execute_before, deadline, connection))
    except Abort as abort:
        await connection.execute("ROLLBACK", timeout=left(deadline))
        undone: T = abort.result  # type: ignore[assignment] # it is what the script would have returned
        return undone
    await connection.execute("COMMIT", timeout=left(deadline))
    return result


def _now_ms() -> Script[int]:
    ((now_ms,),) = yield NOW_MS, {}
    return int(now_ms)


def _deadline() -> float:
    return asyncio.get_running_loop().time() + STEP_SECONDS
