"""Group commit: steps share a flush to the disk and nothing else."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from keyturn.errors import TemporarilyUnavailable
from keyturn.store import open_store
from keyturn.store.sql.script import Abort, Script
from keyturn.store.sql.sqlite import worker
from keyturn.store.sql.sqlite.call import Call
from keyturn.store.sql.sqlite.database import SqliteConnection
from keyturn.store.sql.sqlite.link import Link
from keyturn.store.sql.sqlite.opening import connect
from keyturn.store.sql.sqlite.writer import Writer
from keyturn.store.sql.store import SqlStore

COUNT = "SELECT count(*) FROM rate_limits"


def add(number: int, then: BaseException | None = None) -> Script[int]:
    """Insert a row, and raise *then*."""
    yield "INSERT INTO rate_limits VALUES (:key, 0)", {"key": b"%d" % number}
    if then:
        raise then
    return number


def count() -> Script[int]:
    """Count the rows."""
    ((number,),) = yield COUNT, {}
    return number


async def test_a_step_that_fails_hurts_no_other_in_its_group(url: str, path: Path) -> None:
    """Aborts, errors of SQL and errors of a plan undo their own step and reach their own caller."""
    link = Link(path, connect=connect)
    writer = Writer(link)
    scripts = [
        add(1),
        add(2, Abort("undone")),
        add(3, LookupError("mine")),
        add(1),
        one("SELECT nothing FROM nowhere"),
        add(4),
    ]
    calls = [Call(script) for script in scripts]

    writer.work(calls)
    link.close()

    assert [call.result for call in calls] == [1, "undone", None, None, None, 4]
    assert [type(call.error) for call in calls] == [
        type(None),
        type(None),
        LookupError,
        sqlite3.IntegrityError,
        TemporarilyUnavailable,
        type(None),
    ]
    assert rows_of(path) == 2


def one(sql: str) -> Script[None]:
    """Do one statement."""
    yield sql, {}


def rows_of(path: Path) -> int:
    """Count the rows from outside."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(COUNT).fetchone()[0]


class Flaky(sqlite3.Connection):
    """Fails the first COMMIT, as a full or broken disk does."""

    failed = False

    def cursor(self) -> sqlite3.Cursor:
        """Return a cursor that fails."""
        return super().cursor(FlakyCursor)


class FlakyCursor(sqlite3.Cursor):
    """Where it fails."""

    def execute(self, sql: str, params: Any = ()) -> sqlite3.Cursor:
        """Do the statement, but not the first COMMIT."""
        if sql == "COMMIT" and not Flaky.failed:
            Flaky.failed = True
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, params)


async def test_a_commit_that_fails_is_every_callers_failure(url: str, path: Path) -> None:
    """Nobody is told of a success that is not on the disk; the next group works again (A36)."""
    Flaky.failed = False
    link = Link(path, connect=lambda there: sqlite3.connect(there, isolation_level=None, factory=Flaky))
    writer = Writer(link)
    first, second = [[Call(add(n)), Call(add(n + 1, Abort("undone")))] for n in (1, 3)]

    writer.work(first)
    assert [type(call.error) for call in first] == [TemporarilyUnavailable] * 2
    assert rows_of(path) == 0
    writer.work(second)
    link.close()

    assert [call.result for call in second] == [3, "undone"]
    assert rows_of(path) == 1


async def test_nobody_hears_of_a_step_before_its_commit(store: SqlStore, path: Path) -> None:
    """Whoever has an answer finds it in the file with another connection."""
    for number in range(50):
        await store._connection.write(add, number)
        assert rows_of(path) == number + 1


async def test_a_read_sees_each_write_that_was_awaited(store: SqlStore) -> None:
    """The reader is another connection, and never behind."""
    for number in range(200):
        await store._connection.write(add, number)
        assert await store._connection.read(count) == number + 1


async def test_many_steps_share_a_commit(store: SqlStore, path: Path) -> None:
    """64 at once need a few transactions, not 64: the log grows by far fewer frames than steps."""
    await store._connection.write(add, 1000)
    log = path.with_name("keyturn.db-wal")
    before = log.stat().st_size

    await asyncio.gather(*(store._connection.write(add, number) for number in range(256)))

    assert (log.stat().st_size - before) / 4096 < 64


async def test_a_locked_database_is_503_and_changes_nothing(impatient: None, url: str, path: Path) -> None:
    """While another process holds the write lock reads go on and writes are refused; then all is well (REF-07)."""
    store = await open_store(url)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcomes = await asyncio.gather(
            *(store._connection.write(add, number) for number in range(5)), return_exceptions=True
        )
        with pytest.raises(TemporarilyUnavailable):
            await store.ping()
        assert await store._connection.read(count) == 0

    assert {(type(one), one.reason, one.retry_after) for one in outcomes} == {
        (TemporarilyUnavailable, "store: SQLITE_BUSY", 1)
    }
    assert await store._connection.write(add, 1) == 1
    await store.ping()
    await store.close()


async def test_a_full_disk_is_503_and_changes_nothing(
    url: str, path: Path, given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logins fail, nothing is half written, and what needs no space still works (A36)."""
    store = await open_store(url)
    session = given.session()
    await store.sessions.start(given.start(session))
    await store.close()

    def small(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute("PRAGMA max_page_count = 60")
        return connection

    monkeypatch.setattr("keyturn.store.sql.sqlite.database.connect", small)
    store = await open_store(url)
    outcomes = [
        await asyncio.gather(store.sessions.start(given.start(given.session(n))), return_exceptions=True)
        for n in range(2, 400)
    ]
    started = sum(outcome == [True] for outcome in outcomes)
    refused = [outcome[0] for outcome in outcomes if outcome != [True]]

    assert started
    assert {one.reason for one in refused} == {"store: SQLITE_FULL"}
    assert len(await store.audit.list_page(0, 1000)) >= started + 1
    assert (await store.sessions.advance(given.advance(session))).moved
    await store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (started + 1,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_damaged_file_is_503(url: str, path: Path, given: Any) -> None:
    """Reads and writes that meet a damaged page are refused; nobody gets a wrong answer."""
    damage(path)
    store = SqlStore(SqliteConnection(path))

    for call in (store.users.find("u1"), store.users.add(given.user(), given.event())):
        with pytest.raises(TemporarilyUnavailable):
            await call
    await store.close()


def damage(path: Path) -> None:
    """Overwrite all but the first page."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))


async def test_a_cancelled_caller_hurts_nobody(store: SqlStore) -> None:
    """Its step happens whole or not at all; those beside it get their answers (A60)."""
    tasks = [asyncio.ensure_future(store._connection.write(add, number)) for number in range(100)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()

    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert outcomes[1::2] == list(range(1, 100, 2))
    assert 50 <= await store._connection.read(count) <= 100


async def test_close_under_load_finishes_what_was_taken_in(url: str, path: Path) -> None:
    """Each caller gets an answer: done, or 503 and nothing changed. Closing twice is fine."""
    store = await open_store(url)
    tasks = [asyncio.ensure_future(store._connection.write(add, number)) for number in range(1000)]
    await asyncio.sleep(0.002)

    await store.close()
    late = await asyncio.gather(store.ping(), return_exceptions=True)
    await store.close()

    assert await asyncio.gather(*tasks) == list(range(1000))
    assert [one.reason for one in late] == ["store: closed"]
    assert rows_of(path) == 1000
    assert [entry.name for entry in path.parent.iterdir()] == ["keyturn.db"]


async def test_too_many_waiting_calls_are_refused_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is bounded; a refused call changes nothing (OPS-07)."""
    monkeypatch.setattr(worker, "CAPACITY", 10)
    store = await open_store(url)

    async def write(number: int) -> int:
        return await store._connection.write(add, number)

    outcomes = await asyncio.gather(*(write(number) for number in range(2000)), return_exceptions=True)

    done = [one for one in outcomes if isinstance(one, int)]
    refused = {one.reason for one in outcomes if not isinstance(one, int)}
    assert refused == {"store: too much is waiting"}
    assert await store._connection.read(count) == len(done) >= 10
    await store.close()


async def test_one_store_serves_several_event_loops(store: SqlStore) -> None:
    """An outcome goes back to the loop that asked."""

    def elsewhere(number: int) -> int:
        async def ask() -> int:
            return await store._connection.write(add, number)

        return asyncio.run(ask())

    others = (asyncio.to_thread(elsewhere, number) for number in range(4))

    assert await asyncio.gather(*others, store._connection.write(add, 9)) == [0, 1, 2, 3, 9]
