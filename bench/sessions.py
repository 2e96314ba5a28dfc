"""Users, sessions and revocations by the thousand in an SQLite file, put there without logins: those would take hours.

The rows are those that a login writes, by the product's own SQL.
"""

import asyncio
import os
import random
import sqlite3
import time
import uuid
from contextlib import closing
from pathlib import Path

from argon2 import PasswordHasher

from keyturn.core import usernames
from keyturn.core.issue import FIRST_PARTY
from keyturn.core.model import ClientKind, Device, Session, StoredUser
from keyturn.store import upgrade
from keyturn.store.sql import revocations, sessions, users
from keyturn.store.sql.session_rows import session_params
from keyturn.tokens import base64url, refresh_token
from keyturn.tokens.master_key import MasterKey
from keyturn.tokens.refresh_token import HANDLE_BYTES
from keyturn.tokens.revocation_digest import DIGEST_BYTES

PASSWORD = "correct horse battery staple"

SESSIONS_PER_USER = 10

HOUR = 60 * 60
DAY = 24 * HOUR


def create_database(path: Path) -> str:
    """Make an empty database at *path* and return its ``database.url``."""
    url = f"sqlite:///{path}"
    asyncio.run(upgrade(url))
    return url


def add_users(path: Path, number: int) -> list[str]:
    """Add *number* users with the role ``user``, all with the same `PASSWORD`; return their names."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return [user.username for user in _add_users(connection, "user", number)]


def add_sessions(path: Path, number: int, master_key: MasterKey, *, handed_out: int) -> tuple[str, ...]:
    """Add *number* native sessions, ten a user, and return *handed_out* of their refresh tokens, from all over them."""
    handles = sorted(os.urandom(HANDLE_BYTES) for _ in range(number))  # in order they go in fastest
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # of this connection alone
        with connection:
            subs = [user.sub for user in _add_users(connection, "owner", number // SESSIONS_PER_USER + 1)]
            new = (_session(handle, random.choice(subs), master_key.key_id) for handle in handles)
            connection.executemany(sessions.INSERT, map(session_params, new))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    token_key = master_key.refresh_token_key
    chosen = random.sample(handles, min(handed_out, number))
    return tuple(refresh_token.issue(token_key, handle=handle, generation=1) for handle in chosen)


def add_revocations(path: Path, number: int) -> None:
    """Revoke *number* sessions that nobody has, for an hour. A real one that follows comes behind them."""
    expires_at = int(time.time()) + HOUR
    entries = (
        {"seq": seq, "kind": "sid", "digest": os.urandom(DIGEST_BYTES), "cut_off": None, "expires_at": expires_at}
        for seq in range(1, number + 1)
    )
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(revocations.INSERT, entries)
        connection.execute("UPDATE revocation_sequence SET last = ?", (number,))


def _add_users(connection: sqlite3.Connection, prefix: str, number: int) -> list[StoredUser]:
    encoded = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(PASSWORD)
    added = [_user(f"{prefix}{position}", encoded) for position in range(number)]
    statement = users.INSERT.replace("RETURNING sub", "")  # executemany takes no statement that returns rows
    connection.executemany(statement, map(users._params, added))  # noqa: SLF001 - the same columns as a real one
    return added


def _user(name: str, encoded: str) -> StoredUser:
    return StoredUser(
        sub=str(uuid.uuid4()),
        username=name,
        username_key=usernames.normalise(name),
        password_hash=encoded,
        roles=("user",),
        disabled_at=None,
        version=1,
        created_at=int(time.time()),
    )


def _session(handle: bytes, sub: str, key_id: bytes) -> Session:
    now = int(time.time())
    return Session(
        sid=base64url.encode(os.urandom(16)),
        handle=handle,
        sub=sub,
        client=ClientKind.NATIVE,
        client_id=FIRST_PARTY,
        scope=None,
        resource=None,
        generation=1,
        key_id=key_id,
        rotated_at_ms=now * 1000,
        auth_time=now,
        created_at=now,
        last_used_at=now,
        expires_at=now + 30 * DAY,
        idle_expires_at=now + 7 * DAY,
        device_id=os.urandom(16),
        device_name="",
        device=Device(browser="unknown", os="unknown", address="127.0.0.0/24"),
    )
