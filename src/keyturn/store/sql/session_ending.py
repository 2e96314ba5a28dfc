"""Ending sessions: in the very step in which a session ends, its access tokens are revoked and an event says why.

Steps lock rows in one order, so that two can't wait for each other: users, sessions, rate limits, and last the one row
of the revocation log and the one of the audit log, which all steps share.
"""

from collections.abc import Sequence
from dataclasses import replace

from keyturn.core.model import AuditEvent, Session
from keyturn.core.policy import REVOCATION_LIFETIME
from keyturn.core.ports import Ending, Revoking
from keyturn.store.sql import audit, revocations
from keyturn.store.sql.script import Script
from keyturn.store.sql.session_rows import COLUMNS, session_of
from keyturn.tokens.revocation import RevocationKind, digest

# Of handle, sid and sub two are NULL, which equals nothing; each has its own index.
END = f"""
UPDATE sessions SET ended_at = :ended_at, end_reason = :end_reason
WHERE (handle = :handle OR sid = :sid OR sub = :sub)
    AND sub = COALESCE(:of_sub, sub) AND sid <> COALESCE(:but_sid, '') AND ended_at IS NULL
RETURNING {COLUMNS}
"""  # noqa: S608 - the columns are a constant


def end(order: Ending) -> Script[list[Session]]:
    """End the sessions that *order* names, as a part of any step; return those that ended now.

    Raises:
        ValueError: not exactly one of ``handle``, ``sid`` and ``sub`` is set.

    """
    ended = yield from end_rows(order)
    yield from publish([(order, session) for session in ended], order.at_ms)
    return ended


def end_rows(order: Ending) -> Script[list[Session]]:
    """Do what `end` does, but leave it to the same step to `publish` it, after all else that locks a row.

    Raises:
        ValueError: not exactly one of ``handle``, ``sid`` and ``sub`` is set.

    """
    if [order.handle, order.sid, order.sub].count(None) != 2:  # noqa: PLR2004 - one of the three is set
        raise ValueError("an ending names its sessions by exactly one of handle, sid and sub")
    rows = yield (
        END,
        {
            "handle": order.handle,
            "sid": order.sid,
            "sub": order.sub,
            "of_sub": order.of_sub,
            "but_sid": order.but_sid,
            "ended_at": order.at_ms // 1000,
            "end_reason": order.reason.value,
        },
    )
    return [session_of(row) for row in rows]


def publish(endings: Sequence[tuple[Ending, Session]], at_ms: int, then: Sequence[AuditEvent] = ()) -> Script[None]:
    """Revoke the access tokens of sessions that ended in this step and write an event for each, and *then* others."""
    yield from revocations.append([_revoking(session, order) for order, session in endings], at_ms)
    events = [replace(order.event, sub=session.sub, sid=session.sid) for order, session in endings]
    yield from audit.append([*events, *then])


def _revoking(session: Session, order: Ending) -> Revoking:
    return Revoking(
        kind=RevocationKind.SID,
        digest=digest(RevocationKind.SID, session.sid),
        before=None,
        # Later than the order says only if the clock was set back since the last token was signed.
        expires_at=max(order.revocation_expires_at, session.last_used_at + REVOCATION_LIFETIME),
    )
