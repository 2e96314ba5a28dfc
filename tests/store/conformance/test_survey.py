"""A survey: what whoever audits a database is told of it, and that nothing comes of it."""

import asyncio
import time
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from keyturn.core.model import KeyState, SigningKeyRecord
from keyturn.core.ports import KeyChanges, Store
from keyturn.core.ratelimit import Rate, Reservation
from keyturn.errors import ConfigurationError
from keyturn.store import Question, survey, upgrade
from keyturn.store.sql.survey import Overdue, Waiting
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.base64url import encode
from keyturn.tokens.master_key import parse_master_keys
from sealed_log import Log

HOUR = 3600
KEYS = parse_master_keys(encode(Random(7).randbytes(32)))
TABLES = ["sessions", "revocations", "rate_limits", "used_tokens"]


def asking(now: int) -> Question:
    """Return the question of somebody with an hour's patience."""
    return Question(now=now, patience=HOUR, hash_prefix="$argon2id$1", username_key="user1")


async def test_an_empty_database(store_url: str) -> None:
    """There is nothing in it, and a server says what it is."""
    await upgrade(store_url)
    now = int(time.time())

    found = await survey(store_url, asking(now))

    assert (found.keys, found.sessions, found.overdue, found.roles) == ((), {}, (), {})
    assert (found.named_user, found.other_hashes, found.waiting) == (None, 0, None)
    if store_url.startswith("sqlite"):
        assert found.server is None
    else:
        assert found.server is not None
        assert found.server.is_durable
        assert abs(found.server.now_ms / 1000 - now) < 30


async def test_users_are_counted_by_their_roles(store: Store, store_url: str, given: Any) -> None:
    """Those who are enabled; of the one who is asked for by name, the roles."""
    await store.users.add(given.user(1), given.event())
    await store.users.add(given.user(2, roles=("user", "admin")), given.event())
    await store.users.add(given.user(3, roles=()), given.event())
    await store.users.add(given.user(4, disabled_at=given.now), given.event())

    found = await survey(store_url, asking(given.now))

    assert found.roles == {("user", "admin"): 2, (): 1}
    assert found.named_user == ("user", "admin")
    assert found.other_hashes == 3  # all but the first are made in another way


async def test_somebody_who_is_disabled_is_not_named(store: Store, store_url: str, given: Any) -> None:
    """They can't log in."""
    await store.users.add(given.user(1, disabled_at=given.now), given.event())

    assert (await survey(store_url, asking(given.now))).named_user is None


async def test_what_should_have_gone_is_counted(store: Store, store_url: str, given: Any) -> None:
    """Rows whose end is longer ago than patience lasts; a session is kept an hour longer by itself."""
    now = int(time.time())
    ends = (now - HOUR - 60, now - HOUR + 60)  # the first is late
    for number, end in enumerate(ends):
        await store.sessions.start(given.start(given.session(number, expires_at=end - HOUR, idle_expires_at=end)))
        await store.revocations.add(given.revoking(f"j{number}", expires_at=end), given.event())
        await store.used_tokens.use(b"%d" % number, end, now - 3 * HOUR)
        rate = Rate(burst=1, interval_us=1_000_000)
        await store.rate_limits.reserve([Reservation(key=f"login {number}", rate=rate)], (end - 1) * 1000)

    found = await survey(store_url, asking(now))

    elsewhere = set() if store.cache_state is None else {"rate_limits"}  # Redis forgets them by itself
    assert [each.table for each in found.overdue] == [table for table in TABLES if table not in elsewhere]
    assert {each.rows for each in found.overdue} == {1}
    assert Overdue(table="revocations", rows=1, since=ends[0]) in found.overdue


async def test_entries_that_wait_for_their_seal_are_counted(store: Store, store_url: str) -> None:
    """Behind the newest seal; the oldest by its time, in whatever order they came. None, once all are sealed."""
    log = Log(SimpleNamespace(store=store, master_keys=KEYS), now_ms=int(time.time()) * 1000)
    assert (await survey(store_url, asking(log.now_ms // 1000))).waiting is None

    await log.write(2)
    await log.seal()
    assert (await survey(store_url, asking(log.now_ms // 1000))).waiting is None

    await log.write(1)
    log.later(-5)
    await log.write(2)
    waiting = (await survey(store_url, asking(log.now_ms // 1000))).waiting
    assert waiting == Waiting(entries=3, since_ms=log.now_ms)


async def test_keys_and_whom_they_serve(store: Store, store_url: str, given: Any) -> None:
    """Keys come sealed as they are, live sessions by the master key of their token."""
    key = SigningKeyRecord(
        kid="kid-1",
        algorithm=Algorithm.ES256,
        state=KeyState.ACTIVE,
        sealed=b"\x00sealed",
        published_at=100,
        activate_at=100,
        activated_at=100,
    )
    await store.signing_keys.change(lambda _: KeyChanges(insert=(key,)))
    await store.sessions.start(given.start(given.session(1)))
    await store.sessions.start(given.start(given.session(2, key_id=b"key2")))

    found = await survey(store_url, asking(given.now))

    assert found.keys == (key,)
    assert found.sessions == {b"key1": 1, b"key2": 1}


def test_nothing_comes_of_it(tmp_path: Path) -> None:
    """The file is what it was, and none lies beside it that was not there."""
    url = f"sqlite:///{tmp_path}/keyturn.db"
    asyncio.run(upgrade(url))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    asyncio.run(survey(url, asking(int(time.time()))))

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


async def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    """With its name, and without a traceback."""
    (tmp_path / "keyturn.db").write_bytes(b"no database" * 100)

    with pytest.raises(ConfigurationError, match="is not an SQLite database"):
        await survey(f"sqlite:///{tmp_path}/keyturn.db", asking(0))
