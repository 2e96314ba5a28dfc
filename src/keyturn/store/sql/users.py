"""Our own users. A change of password or of ``disabled`` moves the version and ends the sessions in the same step."""

import json
from collections.abc import Sequence

from keyturn.core.model import AuditEvent, StoredUser
from keyturn.core.ports import Ending
from keyturn.store.sql import audit
from keyturn.store.sql.script import Connection, Row, Script, Value
from keyturn.store.sql.session_ending import end

INSERT = """
INSERT INTO users (sub, username, username_key, password_hash, roles, disabled_at, version, created_at)
VALUES (:sub, :username, :username_key, :password_hash, :roles, :disabled_at, :version, :created_at)
ON CONFLICT (username_key) DO NOTHING
RETURNING sub
"""

FIND = """
SELECT sub, username, username_key, password_hash, roles, disabled_at, version, created_at
FROM users WHERE sub = :sub
"""

FIND_BY_NAME = """
SELECT sub, username, username_key, password_hash, roles, disabled_at, version, created_at
FROM users WHERE username_key = :username_key
"""

LIST_PAGE = """
SELECT sub, username, username_key, password_hash, roles, disabled_at, version, created_at
FROM users WHERE username_key > :after ORDER BY username_key LIMIT :most
"""

REHASH = "UPDATE users SET password_hash = :password_hash WHERE sub = :sub AND version = :version RETURNING sub"

SET_PASSWORD = """
UPDATE users SET password_hash = :password_hash, version = version + 1
WHERE sub = :sub AND version = :version RETURNING sub
"""

SET_DISABLED = "UPDATE users SET disabled_at = :disabled_at, version = version + 1 WHERE sub = :sub RETURNING sub"

SET_ROLES = "UPDATE users SET roles = :roles WHERE sub = :sub RETURNING sub"


class SqlUsers:
    """`core.ports.Users` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, user: StoredUser, event: AuditEvent) -> bool:
        """Insert the user; False if the name is taken."""
        return await self._connection.write(_change, INSERT, _params(user), event)

    async def find(self, sub: str) -> StoredUser | None:
        """Return the user with this subject."""
        return await self._connection.read(_find, FIND, {"sub": sub})

    async def find_by_name(self, username_key: str) -> StoredUser | None:
        """Return the user with this normalised name."""
        return await self._connection.read(_find, FIND_BY_NAME, {"username_key": username_key})

    async def list_page(self, after: str, most: int) -> Sequence[StoredUser]:
        """Return up to *most* users whose normalised name follows *after*, in its order."""
        return await self._connection.read(_list_page, after, most)

    async def rehash(self, sub: str, version: int, password_hash: str) -> bool:
        """Replace the hash of the same password; False if the user has another version by now. The version stays."""
        params: dict[str, Value] = {"sub": sub, "version": version, "password_hash": password_hash}
        return await self._connection.write(_change, REHASH, params)

    async def set_password(self, sub: str, version: int, password_hash: str, ending: Ending, event: AuditEvent) -> bool:
        """Replace the password, move the version and end the sessions, in one step; False if the version is another."""
        params: dict[str, Value] = {"sub": sub, "version": version, "password_hash": password_hash}
        return await self._connection.write(_change, SET_PASSWORD, params, event, ending)

    async def set_disabled(self, sub: str, disabled_at: int | None, ending: Ending | None, event: AuditEvent) -> bool:
        """Disable (and end the sessions) or enable the user, moving the version; False if there is no such user."""
        params: dict[str, Value] = {"sub": sub, "disabled_at": disabled_at}
        return await self._connection.write(_change, SET_DISABLED, params, event, ending)

    async def set_roles(self, sub: str, roles: tuple[str, ...], event: AuditEvent) -> bool:
        """Replace the roles; False if there is no such user."""
        params: dict[str, Value] = {"sub": sub, "roles": json.dumps(roles)}
        return await self._connection.write(_change, SET_ROLES, params, event)


def _change(
    sql: str, params: dict[str, Value], event: AuditEvent | None = None, ending: Ending | None = None
) -> Script[bool]:
    """Do *sql*; only if it met its row, end sessions and write the event."""
    met = yield sql, params
    if not met:
        return False
    if ending:
        yield from end(ending)
    if event:
        yield from audit.append((event,))
    return True


def _find(sql: str, params: dict[str, Value]) -> Script[StoredUser | None]:
    rows = yield sql, params
    return _user(rows[0]) if rows else None


def _list_page(after: str, most: int) -> Script[list[StoredUser]]:
    rows = yield LIST_PAGE, {"after": after, "most": most}
    return [_user(row) for row in rows]


def _params(user: StoredUser) -> dict[str, Value]:
    return {
        "sub": user.sub,
        "username": user.username,
        "username_key": user.username_key,
        "password_hash": user.password_hash,
        "roles": json.dumps(user.roles),
        "disabled_at": user.disabled_at,
        "version": user.version,
        "created_at": user.created_at,
    }


def _user(row: Row) -> StoredUser:
    sub, username, username_key, password_hash, roles, disabled_at, version, created_at = row
    return StoredUser(
        sub=sub,
        username=username,
        username_key=username_key,
        password_hash=password_hash,
        roles=tuple(json.loads(roles)),
        disabled_at=disabled_at,
        version=version,
        created_at=created_at,
    )
