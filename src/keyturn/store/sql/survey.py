"""A look at a whole database, for whoever audits it: counts, keys and roles. It changes nothing.

No password hash, name, handle or device leaves the database for it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from keyturn.core.model import SigningKeyRecord
from keyturn.store.sql.all_sessions import count_by_key_id
from keyturn.store.sql.audit import whole
from keyturn.store.sql.audit_seals import read_extent
from keyturn.store.sql.script import Script
from keyturn.store.sql.session_pruning import KEPT
from keyturn.store.sql.signing_keys import list_all

MANY: Final = 10_000
"""Rows that are counted one by one; whoever has more of them has this many at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a survey depends on.

    Attributes:
        now: the time, epoch seconds.
        patience: seconds after which a row that may go should have gone.
        hash_prefix: how an encoded password hash begins that is made today.
        username_key: a user who is asked for by name, normalised.

    """

    now: int
    patience: int
    hash_prefix: str
    username_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """Rows of a *table* that should have been deleted: how many, at most `MANY`, and since when the oldest could be."""

    table: str
    rows: int
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Entries of the audit log that no seal covers: how many, at most `MANY`, and when the oldest was written."""

    entries: int
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseServer:
    """A server that keeps the database: the time by its clock, and what it lets us do.

    Attributes:
        is_superuser: whether our user may do everything on it.
        is_durable: whether a commit is on the disk before it is answered.

    """

    now_ms: int
    is_superuser: bool
    is_durable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a database holds.

    Attributes:
        keys: the signing keys, sealed.
        sessions: live sessions by the id of the master key that made their token.
        overdue: the tables in which rows are left over.
        roles: enabled users by their roles.
        named_user: the roles of the user who was asked for; None if there is none, or a disabled one.
        other_hashes: password hashes that are made in another way than today's, at most `MANY`.
        waiting: what of the audit log waits for its seal; None if nothing does.
        server: None for a file, which has no clock and no users.

    """

    keys: tuple[SigningKeyRecord, ...]
    sessions: Mapping[bytes, int]
    overdue: tuple[Overdue, ...]
    roles: Mapping[tuple[str, ...], int]
    named_user: tuple[str, ...] | None
    other_hashes: int
    waiting: Waiting | None = None
    server: DatabaseServer | None = None


def survey(question: Question) -> Script[Survey]:
    """Return what the database holds; the schema has to be the newest.

    Raises:
        ValueError, TypeError: it holds what we never write.

    """
    keys = yield from list_all()
    sessions = yield from count_by_key_id(question.now)
    _check_type(bytes, *sessions, *(key.sealed for key in keys))
    for key in keys:
        _check_type(int, key.published_at, key.activate_at, key.activated_at, key.retired_at, key.revoked_at)
    overdue = yield from _overdue(question)
    roles = yield ROLES, {}
    named = yield NAMED_USER, {"username_key": question.username_key}
    ((others,),) = yield OTHER_HASHES, {"current": f"{question.hash_prefix}%", "most": MANY}
    waiting = yield from _waiting()
    return Survey(
        keys=tuple(keys),
        sessions=sessions,
        overdue=overdue,
        roles={tuple(json.loads(text)): count for text, count in roles},
        named_user=tuple(json.loads(named[0][0])) if named else None,
        other_hashes=others,
        waiting=waiting,
    )


def _overdue(question: Question) -> Script[tuple[Overdue, ...]]:
    past = question.now - question.patience
    found = []
    for table, (column, bound, unit) in ENDS.items():
        statement = COUNT_PAST.format(table=table, column=column)
        ((rows, oldest),) = yield statement, {"past": (past - bound) * unit, "most": MANY}
        if rows:
            found.append(Overdue(table=table, rows=rows, since=oldest // unit + bound))
    return tuple(found)


def _check_type(kind: type, *values: object) -> None:
    """See to it that all *values* are of this kind: SQLite takes one of any kind in any column."""
    if any(value is not None and type(value) is not kind for value in values):
        raise TypeError(f"a value that is no {kind.__name__}")


def _waiting() -> Script[Waiting | None]:
    extent = yield from read_extent()
    ((entries, since_ms),) = yield UNSEALED, {"after": max(extent.sealed, 0), "upto": extent.last, "most": MANY}
    return Waiting(entries=entries, since_ms=whole(since_ms)) if entries else None


ROLES: Final = "SELECT roles, count(*) FROM users WHERE disabled_at IS NULL GROUP BY roles"

NAMED_USER: Final = "SELECT roles FROM users WHERE username_key = :username_key AND disabled_at IS NULL"

OTHER_HASHES: Final = """
SELECT count(*) FROM (SELECT sub FROM users WHERE password_hash NOT LIKE :current LIMIT :most) AS found
"""

UNSEALED: Final = """
SELECT count(*), min(at_ms) FROM
    (SELECT at_ms FROM audit WHERE number > :after AND number <= :upto ORDER BY number LIMIT :most) AS found
"""

COUNT_PAST: Final = """
SELECT count(*), min(past_end) FROM
    (SELECT {column} AS past_end FROM {table} WHERE {column} < :past ORDER BY {column} LIMIT :most) AS found
"""

#: Of each table that is pruned: the column with the end, seconds a row is kept after it, and parts of a second in it.
ENDS: Final = {
    "sessions": ("expires_at", KEPT, 1),
    "revocations": ("expires_at", 0, 1),
    "rate_limits": ("tat_us", 0, 1_000_000),
    "used_tokens": ("expires_at", 0, 1),
}
