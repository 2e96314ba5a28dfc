"""Each method is one step: it happens whole or not at all, at whichever statement the database fails (A36)."""

from collections.abc import Callable
from typing import Any

import pytest

from keyturn.core.model import KeyState, SigningKeyRecord
from keyturn.core.ports import KeyChanges, Store
from keyturn.core.ratelimit import Rate, Reservation
from keyturn.errors import TemporarilyUnavailable
from keyturn.store.sql.script import Script
from keyturn.store.sql.store import SqlStore
from keyturn.tokens.algorithms import Algorithm

TABLES = (
    "users", "sessions", "revocations", "revocation_sequence", "signing_keys", "signing_keys_lock", "rate_limits",
    "audit", "audit_sequence", "used_tokens",
)  # fmt: skip

LIMITS = [Reservation(key=f"limit-{n}", rate=Rate.per(1, 60)) for n in range(3)]

KEY = SigningKeyRecord(
    kid="k", algorithm=Algorithm.ES256, state=KeyState.ACTIVE, sealed=b"s", published_at=1, activate_at=1
)

STEPS: dict[str, Callable[[Store, Any], Any]] = {
    "start": lambda store, given: store.sessions.start(
        given.start(given.session(9), user_version=1, most=1, give_back=LIMITS)
    ),
    "advance": lambda store, given: store.sessions.advance(given.advance(given.session(1))),
    "end": lambda store, given: store.sessions.end(given.ending(sub="u1")),
    "add user": lambda store, given: store.users.add(given.user(2), given.event()),
    "set_password": lambda store, given: store.users.set_password(
        "u1", 1, "$new", given.ending(sub="u1"), given.event()
    ),
    "set_disabled": lambda store, given: store.users.set_disabled("u1", 5, given.ending(sub="u1"), given.event()),
    "revoke": lambda store, given: store.revocations.add(given.revoking(), given.event()),
    "revoke once": lambda store, given: store.revocations.add_once(given.revoking(), given.event()),
    "change keys": lambda store, given: store.signing_keys.change(
        lambda _: KeyChanges(insert=(KEY,), revoke=(given.revoking(),), events=(given.event(),))
    ),
    "reserve": lambda store, given: store.rate_limits.reserve(LIMITS, given.now_ms + 10**9),
    "append": lambda store, given: store.audit.append([given.event(), given.event()]),
}


@pytest.fixture
async def furnished(sql_store: SqlStore, given: Any) -> SqlStore:
    """A store with a user, two sessions and some drawn limits."""
    store = sql_store
    await store.users.add(given.user(), given.event())
    for number in (1, 2):
        await store.sessions.start(given.start(given.session(number)))
    await store.rate_limits.reserve(LIMITS, given.now_ms)
    return store


@pytest.mark.parametrize("name", STEPS)
async def test_a_fault_at_any_statement_changes_nothing(furnished: SqlStore, given: Any, name: str) -> None:
    """503 at each statement, nothing changed, and without the fault the same step goes through (REF-07, A36)."""
    before = await dump(furnished)
    write, write_singly = furnished._connection.write, furnished._connection.write_singly
    failed = 0
    while True:
        furnished._connection.write = failing(write, failed)
        furnished._connection.write_singly = failing(write_singly, failed)
        try:
            await STEPS[name](furnished, given)
        except TemporarilyUnavailable:
            failed += 1
            assert await dump(furnished) == before
        else:
            break

    assert failed >= (1 if name == "advance" else 3)
    assert await dump(furnished) != before


def failing(run: Any, at: int) -> Any:
    """Return what *run* does, with a broken statement in place of each script's number *at*."""
    return lambda step, *args: run(faulty, step, args, at)


def faulty(step: Any, args: Any, at: int) -> Script[Any]:
    """Run the script of *step*, but with a broken statement in place of its number *at*."""
    script = step(*args)
    statement, number = next(script), 0
    try:
        while True:
            rows = yield ("SELECT nothing FROM nowhere", {}) if number == at else statement
            statement, number = script.send(rows), number + 1
    except StopIteration as stop:
        return stop.value


async def dump(store: SqlStore) -> list[Any]:
    """Return all that the store holds."""

    def everything() -> Script[list[Any]]:
        tables = []
        for table in TABLES:
            rows = yield f"SELECT * FROM {table} ORDER BY 1", {}
            tables.append(list(rows))
        return tables

    return await store._connection.read(everything)
