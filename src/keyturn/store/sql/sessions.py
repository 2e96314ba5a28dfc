"""Sessions. A refresh is one conditional ``UPDATE … RETURNING``: whoever gets the row back has moved it, nobody else.

Nothing is checked first and written after. That the session is live, at the very generation, and within its rotation
limit stands in the ``WHERE`` of the statement that moves it (RFC 9700 §4.14.2).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from keyturn.core.model import AuditEvent, AuditKind, EndReason, Session, User
from keyturn.core.ports import Advance, Advanced, Ending, EndingAll, Start
from keyturn.store.sql import audit, rate_limits
from keyturn.store.sql.all_sessions import count_by_key_id, end_all
from keyturn.store.sql.script import Connection, Script
from keyturn.store.sql.session_ending import end, end_rows, publish
from keyturn.store.sql.session_pruning import START, Place, find_idle, prune_ended, prune_idle
from keyturn.store.sql.session_rows import COLUMNS, session_of, session_params

# It changes nothing, and it is the one row lock that SQLite and PostgreSQL spell alike: a password change either ends
# the session that starts here, or has moved the version before.
LOCK_USER = """
UPDATE users SET version = version WHERE sub = :sub AND version = :version AND disabled_at IS NULL RETURNING sub
"""

INSERT = f"""
INSERT INTO sessions ({COLUMNS}) VALUES (
    :sid, :handle, :sub, :client, :client_id, :scope, :resource, :generation, :key_id, :rotated_at_ms, :auth_time,
    :created_at, :last_used_at, :expires_at, :idle_expires_at, :device_id, :device_name, :browser, :os, :address,
    :refresh_tat_us, :ended_at, :end_reason
)
"""  # noqa: S608 - the columns are a constant

LIST_OTHERS = """
SELECT sid FROM sessions
WHERE sub = :sub AND sid <> :sid AND ended_at IS NULL AND expires_at > :now AND idle_expires_at > :now
ORDER BY created_at DESC, sid
"""

FIND = f"SELECT {COLUMNS} FROM sessions WHERE handle = :handle"  # noqa: S608 - the columns are a constant

FIND_WITH_USER = f"""
SELECT {COLUMNS}, username, roles, disabled_at, version FROM sessions
LEFT JOIN (SELECT sub AS user_sub, username, roles, disabled_at, version FROM users) AS owner ON user_sub = sub
WHERE handle = :handle
"""  # noqa: S608 - the columns are a constant

ADVANCE = f"""
UPDATE sessions SET
    generation = :to_generation, key_id = :key_id, rotated_at_ms = :now_ms, last_used_at = :now,
    idle_expires_at = CASE WHEN expires_at < :idle_end THEN expires_at ELSE :idle_end END,
    refresh_tat_us = :interval_us + CASE
        WHEN refresh_tat_us > :now_us AND refresh_tat_us <= :conforming_us THEN refresh_tat_us ELSE :now_us END,
    browser = :browser, os = :os, address = :address
WHERE handle = :handle AND generation = :from_generation AND ended_at IS NULL
    AND expires_at > :now AND idle_expires_at > :now
    AND (refresh_tat_us <= :conforming_us OR refresh_tat_us > :horizon_us)
RETURNING {COLUMNS}, (SELECT last FROM revocation_sequence)
"""  # noqa: S608 - the columns are a constant

FIND_NOT_MOVED = f"""
SELECT {COLUMNS}, last FROM revocation_sequence LEFT JOIN sessions ON handle = :handle
"""  # noqa: S608 - the columns are a constant

NOTE_REPLAY = """
UPDATE sessions SET replayed_generation = :generation
WHERE handle = :handle AND replayed_generation < :generation RETURNING sid
"""

LIST_LIVE = f"""
SELECT {COLUMNS} FROM sessions
WHERE sub = :sub AND ended_at IS NULL AND expires_at > :now AND idle_expires_at > :now
ORDER BY last_used_at DESC, rotated_at_ms DESC, sid
"""  # noqa: S608 - the columns are a constant

LIST_PAGE = f"""
SELECT {COLUMNS} FROM sessions
WHERE sid > :after AND ended_at IS NULL AND expires_at > :now AND idle_expires_at > :now
ORDER BY sid LIMIT :most
"""  # noqa: S608 - the columns are a constant

FIND_BY_SID = f"SELECT {COLUMNS} FROM sessions WHERE sid = :sid"  # noqa: S608 - the columns are a constant


class SqlSessions:
    """`core.ports.Sessions` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._walked: Place = START

    async def start(self, order: Start) -> bool:
        """Insert the session, end the oldest beyond the most, write the event; False if the user changed meanwhile."""
        return await self._connection.write(_start, order)

    async def find(self, handle: bytes) -> Session | None:
        """Return the session with this handle, ended or not."""
        return await self._connection.read(_find, handle)

    async def find_with_user(self, handle: bytes) -> tuple[Session, User | None] | None:
        """Return the session and the user of our own directory that it belongs to, in one query."""
        return await self._connection.read(_find_with_user, handle)

    async def advance(self, order: Advance) -> Advanced:
        """Rotate in one conditional statement; where no row came back, also read the row, in the same step."""
        return await self._connection.write_singly(_advance, order)

    async def note_replay(self, handle: bytes, generation: int, event: AuditEvent) -> None:
        """Write *event* the first time that this generation is replayed, so that replays can't fill the log."""
        await self._connection.write(_note_replay, handle, generation, event)

    async def end(self, order: Ending) -> Sequence[Session]:
        """End live sessions, publish a ``sid`` revocation and write an event for each; return those that ended now."""
        return await self._connection.write(end, order)

    async def end_all(self, order: EndingAll) -> int:
        """Append the revocation, end every session that has not ended, write the event; return how many ended.

        Not one step but many, in this order: there may be millions. After a failure the order can be given again.
        """
        return await end_all(self._connection, order)

    async def count_by_key_id(self, now: int) -> Mapping[bytes, int]:
        """Return how many live sessions have a refresh token of each master key, by the key's id. Reads them all."""
        return await self._connection.read(count_by_key_id, now)

    async def list_live(self, sub: str, now: int) -> Sequence[Session]:
        """Return the user's sessions that are neither ended nor expired, the last used first."""
        return await self._connection.read(_list_live, sub, now)

    async def list_page(self, after: str, most: int, now: int) -> Sequence[Session]:
        """Return up to *most* live sessions of anybody whose ``sid`` follows *after*, in its order."""
        return await self._connection.read(_list_page, after, most, now)

    async def find_by_sid(self, sid: str) -> Session | None:
        """Return the session with this ``sid``, ended or not."""
        return await self._connection.read(_find_by_sid, sid)

    async def prune(self, now: int, most: int) -> int:
        """Delete up to *most* sessions an hour past their end; return how many. Idle ones may take several calls."""
        deleted = await self._connection.write(prune_ended, now, most)
        if deleted >= most:
            return deleted
        handles, self._walked = await self._connection.read(find_idle, now, most - deleted, self._walked)
        if not handles:
            return deleted
        return deleted + await self._connection.write(prune_idle, now, handles)


def _start(order: Start) -> Script[bool]:
    session = order.session
    if order.user_version is not None:
        unchanged = yield LOCK_USER, {"sub": session.sub, "version": order.user_version}
        if not unchanged:
            return False
    yield INSERT, session_params(session)
    ended = yield from _end_oldest(order)
    yield from rate_limits.give_back(order.give_back)
    yield from publish(ended, order.event.at_ms, then=(order.event,))
    return True


def _end_oldest(order: Start) -> Script[list[tuple[Ending, Session]]]:
    session = order.session
    others = yield LIST_OTHERS, {"sub": session.sub, "sid": session.sid, "now": session.created_at}
    endings: list[tuple[Ending, Session]] = []
    for (sid,) in others[order.most - 1 :]:
        ending = _too_many(order, sid)
        ended = yield from end_rows(ending)
        endings += [(ending, one) for one in ended]
    return endings


def _too_many(order: Start, sid: str) -> Ending:
    reason = EndReason.TOO_MANY
    return Ending(
        reason=reason,
        at_ms=order.event.at_ms,
        revocation_expires_at=order.revocation_expires_at,
        event=replace(order.event, kind=AuditKind.SESSION_ENDED, reason=reason.value, details={}),
        sid=sid,
    )


def _find(handle: bytes) -> Script[Session | None]:
    rows = yield FIND, {"handle": handle}
    return session_of(rows[0]) if rows else None


def _find_with_user(handle: bytes) -> Script[tuple[Session, User | None] | None]:
    rows = yield FIND_WITH_USER, {"handle": handle}
    if not rows:
        return None
    *_, username, roles, disabled_at, version = rows[0]
    session = session_of(rows[0])
    if username is None:
        return session, None
    return session, User(session.sub, username, tuple(json.loads(roles)), disabled_at is not None, version)


def _advance(order: Advance) -> Script[Advanced]:
    now, now_us = order.now_ms // 1000, order.now_ms * 1000
    moved = yield (
        ADVANCE,
        {
            "handle": order.handle,
            "from_generation": order.from_generation,
            "to_generation": order.to_generation,
            "key_id": order.key_id,
            "now_ms": order.now_ms,
            "now": now,
            "now_us": now_us,
            "idle_end": now + order.idle,
            "interval_us": order.rate.interval_us,
            "conforming_us": now_us + order.rate.tolerance_us,
            "horizon_us": now_us + order.rate.horizon_us,
            "browser": order.device.browser,
            "os": order.device.os,
            "address": order.device.address,
        },
    )
    if moved:
        return Advanced(moved=True, session=session_of(moved[0]), newest_revocation=moved[0][-1])
    (row,) = yield FIND_NOT_MOVED, {"handle": order.handle}
    return Advanced(moved=False, session=None if row[0] is None else session_of(row), newest_revocation=row[-1])


def _note_replay(handle: bytes, generation: int, event: AuditEvent) -> Script[None]:
    first = yield NOTE_REPLAY, {"handle": handle, "generation": generation}
    if first:
        yield from audit.append((event,))


def _list_live(sub: str, now: int) -> Script[list[Session]]:
    rows = yield LIST_LIVE, {"sub": sub, "now": now}
    return [session_of(row) for row in rows]


def _list_page(after: str, most: int, now: int) -> Script[list[Session]]:
    rows = yield LIST_PAGE, {"after": after, "most": most, "now": now}
    return [session_of(row) for row in rows]


def _find_by_sid(sid: str) -> Script[Session | None]:
    rows = yield FIND_BY_SID, {"sid": sid}
    return session_of(rows[0]) if rows else None
