"""A copy into another database of any kind: everything or nothing, and no table is forgotten."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from random import Random
from threading import Thread
from types import SimpleNamespace
from typing import Any

import postgres
import pytest

from keyturn.core.model import AuditKind, KeyState, Seal, SigningKeyRecord
from keyturn.core.ports import KeyChanges, Store
from keyturn.core.ratelimit import Rate, Reservation
from keyturn.errors import ConfigurationError, Conflict, InsufficientScope
from keyturn.store import copy as copying
from keyturn.store import open_store, upgrade
from keyturn.store.copy import copy
from keyturn.store.sql.tables import LEFT_OUT, all_tables, single_row_tables
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.base64url import encode
from keyturn.tokens.master_key import parse_master_keys
from sealed_log import Log

KEY = SigningKeyRecord(
    kid="kid-1",
    algorithm=Algorithm.ES256,
    state=KeyState.NEXT,
    sealed=b"\x00sealed",
    published_at=100,
    activate_at=200,
)

SEAL = Seal(number=1, last=2, sealed_at_ms=5, previous=bytes(32), digests=bytes(64), key_id=b"key1", mac=b"\xffmac")

KINDS = [
    pytest.param(("sqlite", "sqlite"), id="sqlite-to-sqlite"),
    pytest.param(("sqlite", "postgres"), id="sqlite-to-postgres", marks=pytest.mark.slow),
    pytest.param(("postgres", "sqlite"), id="postgres-to-sqlite", marks=pytest.mark.slow),
    pytest.param(("postgres", "postgres"), id="postgres-to-postgres", marks=pytest.mark.slow),
]


def fresh(kind: str, folder: Path, name: str) -> str:
    """Return the URL of a database that has no schema yet."""
    if kind == "sqlite":
        return f"sqlite:///{folder}/{name}.db"
    return postgres.url_of_new_database()


@pytest.fixture(params=KINDS)
async def urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Two upgraded, empty databases."""
    source = fresh(request.param[0], tmp_path, "source")
    target = fresh(request.param[1], tmp_path, "target")
    await upgrade(source)
    await upgrade(target)
    return source, target


class Opened:
    """Opens stores and closes them in the end."""

    def __init__(self) -> None:
        self.stores: list[Store] = []

    async def __call__(self, url: str) -> Store:
        """Open one."""
        store = await open_store(url)
        self.stores.append(store)
        return store


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """What opens a store for the time of a test."""
    made = Opened()
    yield made
    for store in made.stores:
        await store.close()


async def fill(store: Store, given: Any) -> None:
    """Put something into every table."""
    await store.users.add(given.user(1, roles=("é", "\n")), given.event(AuditKind.USER_ADDED, at_ms=5))
    await store.users.add(given.user(2, disabled_at=7), given.event(AuditKind.USER_ADDED))
    for number in range(5):
        await store.sessions.start(given.start(given.session(number, scope=None if number else ("a",))))
    await store.sessions.note_replay(given.session(1).handle, 3, given.event(AuditKind.REFRESH_REPLAYED))
    await store.sessions.end(given.ending(sid="sid-2"))
    await store.revocations.add(given.revoking(), given.event(AuditKind.TOKEN_REVOKED))
    await store.signing_keys.change(lambda _: KeyChanges(insert=(KEY,)))
    await store.rate_limits.reserve([Reservation(key="k", rate=Rate.per(5, 60))], given.now_ms)
    await store.turns.take("prune", given.now_ms, 1000)
    await store.used_tokens.use(b"d" * 16, given.now + 60, given.now)
    await store.audit_seals.add(SEAL)


async def content(url: str) -> dict[str, list[Any]]:
    """Return every row of every table that is copied."""
    found = {}
    async with copying._backend(url, "").reading(url) as bulk:
        for table in all_tables():
            columns = sorted(await bulk.columns(table))
            found[table] = sorted([row async for rows in bulk.rows(table, columns) for row in rows], key=repr)
    return found


def quiet(*_: object) -> None:
    """Take the progress."""


async def test_everything_is_copied(urls: tuple[str, str], opened: Opened, given: Any) -> None:
    """Each row of each table as it was, and the counts are told; the sequences go on where they were."""
    source, target = urls
    store = await opened(source)
    await fill(store, given)
    last = (await store.revocations.after(0, 100))[-1].seq

    counts = await copy(source, target, told=quiet)

    before = await content(source)
    assert await content(target) == before
    assert counts == {table: len(rows) for table, rows in before.items()}
    assert all(counts.values()), counts
    entry = await (await opened(target)).revocations.add(given.revoking("j2"), given.event(AuditKind.TOKEN_REVOKED))
    assert entry.seq == last + 1


async def test_a_session_goes_on_where_it_was(urls: tuple[str, str], opened: Opened, given: Any) -> None:
    """Nobody is logged out: the copy advances the session from the generation that it had."""
    source, target = urls
    await fill(await opened(source), given)

    await copy(source, target, told=quiet)

    store = await opened(target)
    assert (await store.sessions.advance(given.advance(given.session(1)))).moved
    assert not (await store.sessions.advance(given.advance(given.session(1)))).moved
    assert not (await store.sessions.advance(given.advance(given.session(2)))).moved  # it had ended


async def test_the_seals_of_the_audit_log_hold_in_the_copy(urls: tuple[str, str], opened: Opened, given: Any) -> None:
    """Nothing is found there, the newest seal is the same, and the chain goes on."""
    source, target = urls
    keys = parse_master_keys(encode(Random(9).randbytes(32)))
    log = Log(SimpleNamespace(store=await opened(source), master_keys=keys))
    await log.store.users.add(given.user(1, roles=("é", "\n")), given.event(AuditKind.USER_ADDED, sub=None))
    await log.write(3)
    await log.seal()

    await copy(source, target, told=quiet)

    moved = Log(SimpleNamespace(store=await opened(target), master_keys=keys), log.now_ms)
    assert (await moved.report()).head == (await log.report()).head
    await moved.write(2)
    await moved.seal()
    report = await moved.report((await log.report()).head or "")
    assert (report.findings, report.sealed) == ((), 6)


async def test_a_target_with_something_in_it_is_refused(urls: tuple[str, str], opened: Opened, given: Any) -> None:
    """And left as it is."""
    source, target = urls
    await fill(await opened(source), given)
    await (await opened(target)).users.add(given.user(9), given.event(AuditKind.USER_ADDED))
    before = await content(target)

    with pytest.raises(Conflict, match="rows in users"):
        await copy(source, target, told=quiet)

    assert await content(target) == before


async def test_a_copy_that_fails_halfway_leaves_the_target_empty(
    urls: tuple[str, str], opened: Opened, given: Any
) -> None:
    """Whatever stops it, and the next try finds the target as the first did."""
    source, target = urls
    await fill(await opened(source), given)
    before = await content(target)

    def fail(table: str, _rows: int) -> None:
        if table == "signing_keys":
            raise InsufficientScope

    with pytest.raises(InsufficientScope):
        await copy(source, target, told=fail)

    assert await content(target) == before
    await copy(source, target, told=quiet)


@pytest.mark.parametrize("what", ["login", "refresh", "logout"])
async def test_a_source_that_is_used_meanwhile_is_told(
    urls: tuple[str, str], opened: Opened, given: Any, what: str
) -> None:
    """A server that was not stopped would go on alone: then nothing is copied."""
    source, target = urls
    await fill(await opened(source), given)
    before = await content(target)
    use: dict[str, Callable[[Store], Any]] = {
        "login": lambda store: store.sessions.start(given.start(given.session(7))),
        "refresh": lambda store: store.sessions.advance(given.advance(given.session(1))),
        "logout": lambda store: store.sessions.end(given.ending(sid="sid-1")),
    }

    with pytest.raises(Conflict, match="Stop every server"):
        await copy(source, target, told=lambda table, _: table == "users" and run_beside(source, use[what]))

    assert await content(target) == before


def run_beside(url: str, use: Callable[[Store], Any]) -> None:
    """Use the store at *url* in an event loop of its own, as another process does."""

    async def work() -> None:
        store = await open_store(url)
        await use(store)
        await store.close()

    thread = Thread(target=lambda: asyncio.run(work()))
    thread.start()
    thread.join()


async def test_more_rows_than_are_in_memory_at_once(
    urls: tuple[str, str], opened: Opened, given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They go over batch by batch, and each is told."""
    for module in ("sqlite", "postgres"):
        monkeypatch.setattr(f"keyturn.store.sql.{module}.bulk.BATCH", 2)
    source, target = urls
    await fill(await opened(source), given)
    told: list[tuple[str, int]] = []

    await copy(source, target, told=lambda table, rows: told.append((table, rows)))

    assert [rows for table, rows in told if table == "sessions"] == [2, 4, 5]
    assert await content(target) == await content(source)


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        ("mysql://db/a", "sqlite:///{}/b.db", r"--from: write sqlite:///"),
        ("sqlite:///{}/a.db", "nothing", r"--to: write sqlite:///"),
        ("sqlite:///{}/none.db", "sqlite:///{}/b.db", r"--from: .* does not exist\.$"),
        ("sqlite:///{}/a.db", "sqlite:///{}/none.db", r"--to: .* run 'keyturn db upgrade' with KEYTURN_DATABASE_URL"),
    ],
)
async def test_a_database_that_is_none_is_told(tmp_path: Path, source: str, target: str, sentence: str) -> None:
    """By the option that names it."""
    await upgrade(f"sqlite:///{tmp_path}/a.db")
    await upgrade(f"sqlite:///{tmp_path}/b.db")

    with pytest.raises(ConfigurationError, match=sentence):
        await copy(source.format(tmp_path), target.format(tmp_path), told=quiet)


async def test_every_table_is_copied_or_named_as_left_out(tmp_path: Path) -> None:
    """A table that a later release adds can't be forgotten: the names come from the migrations."""
    await upgrade(f"sqlite:///{tmp_path}/a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        rows = {name for name in there if connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]}

    assert set(all_tables()) | set(LEFT_OUT) == there
    assert not set(all_tables()) & set(LEFT_OUT)
    assert single_row_tables() == rows - set(LEFT_OUT)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in there)
