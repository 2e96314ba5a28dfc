"""After the database came back from a backup, and before anybody is served: nothing that was out may be good.

A logout, a revocation or a replay after the backup is undone by it, and nobody can tell which sessions that concerns.
Sessions and signing keys made after it are unknown here, but their access tokens still pass elsewhere. So every
session ends, and every access token that was issued up to now is refused. Users only have to log in again.
"""

from keyturn.core.model import AuditEvent, AuditKind, EndReason, Origin
from keyturn.core.policy import REVOCATION_LIFETIME
from keyturn.core.ports import EndingAll, Revoking
from keyturn.core.services import Services
from keyturn.tokens.revocation import RevocationKind, digest


async def end_everything(services: Services, *, origin: Origin, now_ms: int) -> int:
    """End every session and refuse every access token up to now, in one step; return how many sessions ended."""
    now = now_ms // 1000
    cut_off = Revoking(
        kind=RevocationKind.ALL,
        digest=digest(RevocationKind.ALL, ""),
        before=now,
        expires_at=now + REVOCATION_LIFETIME,
    )
    reason = EndReason.RESTORED
    event = AuditEvent(at_ms=now_ms, kind=AuditKind.STORE_RESTORED, reason=reason, origin=origin)
    order = EndingAll(reason=reason, at_ms=now_ms, revoking=cut_off, event=event)
    ended = await services.store.sessions.end_all(order)
    await services.denylist.catch_up()
    return ended
