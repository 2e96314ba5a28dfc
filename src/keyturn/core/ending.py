"""The order that ends sessions: made in one place, so that none goes without its revocation and its audit event."""

from keyturn.core.model import AuditEvent, AuditKind, EndReason, Origin
from keyturn.core.policy import REVOCATION_LIFETIME
from keyturn.core.ports import Ending


def ending(
    reason: EndReason,
    *,
    origin: Origin,
    now_ms: int,
    handle: bytes | None = None,
    sid: str | None = None,
    sub: str | None = None,
    of_sub: str | None = None,
    but_sid: str | None = None,
    kind: AuditKind = AuditKind.SESSION_ENDED,
) -> Ending:
    """Return the order to end the sessions with this *handle*, this *sid* or this *sub*.

    Raises:
        ValueError: not exactly one of the three is given.

    """
    if sum(selector is not None for selector in (handle, sid, sub)) != 1:
        raise ValueError("an ending has exactly one of handle, sid and sub")
    return Ending(
        reason=reason,
        at_ms=now_ms,
        revocation_expires_at=now_ms // 1000 + REVOCATION_LIFETIME,
        event=AuditEvent(at_ms=now_ms, kind=kind, reason=reason, origin=origin),
        handle=handle,
        sid=sid,
        sub=sub,
        of_sub=of_sub,
        but_sid=but_sid,
    )
