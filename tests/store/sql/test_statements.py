"""How SQLite carries out each statement: by an index, and a refresh by writing the table alone."""

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import keyturn.store.sql
from keyturn.store.sql import survey
from keyturn.store.sql.sessions import ADVANCE

# Tables of one row, and the few signing keys, are read whole.
WHOLE = {"revocation_sequence", "audit_sequence", "signing_keys_lock", "signing_keys"}

# What an operator's command asks of all sessions, or of all users, at once.
OF_COMMANDS = ("all_sessions.COUNT", "survey.")


def statements() -> Iterator[tuple[str, str]]:
    """Return every SQL constant of the tables' modules, by name."""
    for module in pkgutil.iter_modules(keyturn.store.sql.__path__):
        if module.ispkg:
            continue
        for name, value in vars(importlib.import_module(f"keyturn.store.sql.{module.name}")).items():
            if name.isupper() and isinstance(value, str) and re.match(r"\s*(SELECT|UPDATE|DELETE|INSERT)\b", value):
                yield f"{module.name}.{name}", value


@pytest.mark.parametrize(
    "sql", [pytest.param(sql, id=name) for name, sql in statements() if not name.startswith(OF_COMMANDS)]
)
def test_no_statement_scans_a_table_that_grows(url: str, path: Path, sql: str) -> None:
    """Each step costs the same with ten sessions and with a million (P8)."""
    params = dict.fromkeys(re.findall(r":(\w+)", sql), 1)
    with closing(sqlite3.connect(path)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", params)]

    scanned = {match[1] for step in plan if (match := re.match(r"SCAN (\w+)(?! USING)", step))}
    assert scanned <= WHOLE, plan


def test_what_should_have_gone_is_found_by_an_index(url: str, path: Path) -> None:
    """A survey looks no further than at the rows that are late, however many others there are."""
    with closing(sqlite3.connect(path)) as connection:
        for table, (column, _, _) in survey.ENDS.items():
            sql = survey.COUNT_PAST.format(table=table, column=column)
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", {"past": 1, "most": 1})]
            assert any(re.match(rf"SEARCH {table} USING (COVERING )?INDEX", step) for step in plan), plan


def test_a_refresh_writes_the_table_and_no_index(url: str, path: Path) -> None:
    """The program of the update puts a row into the table and touches no entry of any index."""
    params = dict.fromkeys(re.findall(r":(\w+)", ADVANCE), 1)
    with closing(sqlite3.connect(path)) as connection:
        program = connection.execute(f"EXPLAIN {ADVANCE}", params).fetchall()

    opcodes = [row[1] for row in program]
    assert "Insert" in opcodes
    assert not {"IdxInsert", "IdxDelete"} & set(opcodes)


def test_all_statements_are_looked_at() -> None:
    """The two tests above can't pass by finding nothing."""
    assert len(list(statements())) > 30


@pytest.mark.parametrize("sql", [pytest.param(sql, id=name) for name, sql in statements()])
def test_no_statement_is_sqlites_alone(sql: str) -> None:
    """Nothing that PostgreSQL would not understand, and no cast that SQLite would not."""
    assert not re.search(
        r"::|\browid\b|\bGREATEST\b|\bmax\(.*,|\bINSERT OR\b|\bPRAGMA\b|\bdatetime\b|\bIFNULL\b|\?", sql, re.IGNORECASE
    )
