"""How PostgreSQL carries statements out: a refresh writes its page alone, and names become numbers."""

from typing import Any

import postgres
import pytest

from keyturn.store.sql.postgres.statements import translated
from keyturn.store.sql.store import SqlStore

HOT = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'sessions'"

FLUSH = "SELECT pg_stat_force_next_flush()"

COLLATIONS = """
SELECT table_name || '.' || column_name FROM information_schema.columns
WHERE collation_name = 'C' AND table_schema = 'public' ORDER BY 1
"""


async def test_a_refresh_touches_no_index(url: str, store: SqlStore, given: Any) -> None:
    """Of many refreshes nearly all are HOT updates: the new version of the row lies beside the old one."""
    for number in range(50):
        await store.sessions.start(given.start(given.session(number)))
        session = given.session(number)
        for generation in range(10):
            now_ms = given.now_ms + 1000 * generation  # so that everything changes that a refresh can change
            order = given.advance(session, from_generation=generation, to_generation=generation + 1, now_ms=now_ms)
            assert (await store.sessions.advance(order)).moved
    await store.close()  # what a connection counted is told at its end

    updated, hot = (int(part) for part in postgres.shared().sql(HOT, database=url.rpartition("/")[2]).split("|"))
    assert updated == 500
    assert hot >= 450


def test_what_is_compared_for_order_has_the_order_of_its_bytes(url: str) -> None:
    """Pages come in the same order on every server, whatever its language."""
    named = postgres.shared().sql(COLLATIONS, database=url.rpartition("/")[2]).splitlines()

    assert named == ["sessions.sid", "signing_keys.kid", "users.username_key"]


@pytest.mark.parametrize(
    ("sql", "numbered", "arguments"),
    [
        ("SELECT 1", "SELECT 1", ()),
        ("SELECT :a", "SELECT $1", (1,)),
        ("SELECT :b, :a, :b WHERE x > :a_b", "SELECT $1, $2, $1 WHERE x > $3", (2, 1, 3)),
        ("SELECT x::bigint, ':', :a", "SELECT x::bigint, ':', $1", (1,)),
    ],
)
def test_names_become_numbers(sql: str, numbered: str, arguments: tuple[int, ...]) -> None:
    """A name that occurs twice is one parameter; a cast is none."""
    text, in_order = translated(sql)

    assert text == numbered
    assert in_order({"a": 1, "b": 2, "a_b": 3}) == arguments
