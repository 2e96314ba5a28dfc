"""``/admin/api/sessions``: who is logged in where, and the end of it."""

from starlette.requests import Request
from starlette.responses import Response

from keyturn.core import admin
from keyturn.server.admin_call import authenticate_admin
from keyturn.server.endpoints.sessions import shown
from keyturn.server.exchange import state_of
from keyturn.server.reading import paging
from keyturn.server.reading.parameters import read_id, read_text


async def list_sessions(request: Request) -> Response:
    """Answer with a page of the live sessions, of everybody or of one user."""
    call = await authenticate_admin(request)
    page, sub = paging.read_page(request, "sub"), read_text(request, "sub")
    found = await admin.list_sessions(call.services, sub=sub, after=page.after, most=page.most, now_ms=call.now_ms)
    return paging.answer(
        found,
        page,
        show=lambda session: {"sub": session.sub} | shown(session, current=call.token.sid),
        key=lambda session: session.sid,
    )


async def end(request: Request) -> Response:
    """End one session; that it has ended already is fine."""
    call = await authenticate_admin(request)
    sid = read_id(request, "session_id")
    ended = await admin.end_session(call.services, sid, origin=call.origin, now_ms=call.now_ms)
    state_of(request).metrics.revocations("sid").inc(len(ended))
    return Response(status_code=204)
