"""``/admin/api/audit``: what happened, who did it and from where, the newest first."""

import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from keyturn.core import audit
from keyturn.core.model import AuditEntry, AuditKind
from keyturn.core.ports import AuditFilter
from keyturn.errors import InvalidRequest
from keyturn.server.admin_call import authenticate_admin
from keyturn.server.reading import paging
from keyturn.server.reading.parameters import read_text


async def list_entries(request: Request) -> Response:
    """Answer with a page of the log: everything, or what concerns one user, one session or one kind of event."""
    call = await authenticate_admin(request)
    page = paging.read_page(request, "sub", "session_id", "kind")
    wanted = AuditFilter(sub=read_text(request, "sub"), sid=read_text(request, "session_id"), kind=_kind(request))
    found = await audit.read_page(call.services, wanted, before=_before(page.after), most=page.limit)
    following = None if found.before is None else str(found.before)
    return paging.answer_going_on([shown(entry) for entry in found.entries], following)


def shown(entry: AuditEntry) -> dict[str, Any]:
    """Return what is told of an entry."""
    return {
        "number": entry.number,
        "at": entry.at_ms // 1000,
        "at_ms": entry.at_ms,
        "kind": audit.legible(entry.kind),
        "sub": None if entry.sub is None else audit.legible(entry.sub),
        "session_id": None if entry.sid is None else audit.legible(entry.sid),
        "reason": audit.legible(entry.reason),
        "actor": audit.legible(entry.actor),
        "address": audit.legible(entry.address),
        "browser": audit.legible(entry.browser),
        "request_id": audit.legible(entry.request_id),
        "details": audit.details_of(entry),
    }


def _kind(request: Request) -> str | None:
    kind = read_text(request, "kind")
    if kind is not None and kind not in set(AuditKind):
        raise InvalidRequest("a kind", sentence=f"The parameter kind is one of: {', '.join(AuditKind)}.")
    return kind


def _before(key: str) -> int | None:
    if not key:
        return None
    if _NUMBER.fullmatch(key) is None:
        raise paging.refusal()
    return int(key)


_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
