"""The tables of the schema, as the migrations make them: nothing here has to be kept in step with them."""

import re
from typing import Final

from keyturn.store.sql.migrations import all_migrations

LEFT_OUT: Final = {
    "schema_version": "a database's own: both have to be at the newest",
    "signing_keys_lock": "a lock; what stands in it means nothing",
}
"""Tables that are not copied from one database to another, and why."""


def all_tables() -> tuple[str, ...]:
    """Return the tables that are copied, in the order in which they were made."""
    return tuple(name for name in _names(_CREATE) if name not in LEFT_OUT)


def single_row_tables() -> frozenset[str]:
    """Return those that have a row from the start: a sequence is one row, which is replaced."""
    return frozenset(_names(_INSERT)) - LEFT_OUT.keys()


def _names(pattern: re.Pattern[str]) -> list[str]:
    statements = [statement for migration in all_migrations() for statement in migration.statements]
    return [match[1] for statement in statements if (match := pattern.match(statement))]


_CREATE: Final = re.compile(r"CREATE TABLE (\w+)")
_INSERT: Final = re.compile(r"INSERT INTO (\w+)")
