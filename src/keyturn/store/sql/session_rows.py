"""A session as a row and back. The order of the columns is that of the fields, in one place."""

from keyturn.core.model import ClientKind, Device, EndReason, Session
from keyturn.store.sql.script import Row, Value

COLUMNS = """
    sid, handle, sub, client, client_id, scope, resource, generation, key_id, rotated_at_ms, auth_time, created_at,
    last_used_at, expires_at, idle_expires_at, device_id, device_name, browser, os, address, refresh_tat_us,
    ended_at, end_reason
"""


def session_params(session: Session) -> dict[str, Value]:
    """Return the parameters that insert *session*, named as the columns."""
    return {
        "sid": session.sid,
        "handle": session.handle,
        "sub": session.sub,
        "client": session.client.value,
        "client_id": session.client_id,
        "scope": None if session.scope is None else " ".join(session.scope),
        "resource": session.resource,
        "generation": session.generation,
        "key_id": session.key_id,
        "rotated_at_ms": session.rotated_at_ms,
        "auth_time": session.auth_time,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "expires_at": session.expires_at,
        "idle_expires_at": session.idle_expires_at,
        "device_id": session.device_id,
        "device_name": session.device_name,
        "browser": session.device.browser,
        "os": session.device.os,
        "address": session.device.address,
        "refresh_tat_us": session.refresh_tat_us,
        "ended_at": session.ended_at,
        "end_reason": session.end_reason and session.end_reason.value,
    }


def session_of(row: Row) -> Session:
    """Return the session that a row of `COLUMNS` is; further columns are ignored."""
    return Session(
        sid=row[0],
        handle=row[1],
        sub=row[2],
        client=ClientKind(row[3]),
        client_id=row[4],
        scope=None if row[5] is None else tuple(row[5].split()),
        resource=row[6],
        generation=row[7],
        key_id=row[8],
        rotated_at_ms=row[9],
        auth_time=row[10],
        created_at=row[11],
        last_used_at=row[12],
        expires_at=row[13],
        idle_expires_at=row[14],
        device_id=row[15],
        device_name=row[16],
        device=Device(browser=row[17], os=row[18], address=row[19]),
        refresh_tat_us=row[20],
        ended_at=row[21],
        end_reason=None if row[22] is None else EndReason(row[22]),
    )
