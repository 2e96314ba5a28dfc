"""``GET /sessions`` and ``DELETE /sessions/{session_id}``: where the user is logged in, and ending one of it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keyturn.core import sessions
from keyturn.core.model import Session
from keyturn.server.bearer import authenticate
from keyturn.server.exchange import origin_of, state_of
from keyturn.server.reading.parameters import read_id


async def list_sessions(request: Request) -> Response:
    """Answer with the user's live sessions."""
    state = state_of(request)
    now_ms = state.clock.now_ms()
    token = await authenticate(request, now_ms=now_ms)
    found = await sessions.list_sessions(state.services, token.sub, now_ms=now_ms)
    return JSONResponse({"sessions": [shown(session, current=token.sid) for session in found]})


async def end_session(request: Request) -> Response:
    """End one session of the user; somebody else's is not there."""
    state = state_of(request)
    now_ms = state.clock.now_ms()
    token = await authenticate(request, now_ms=now_ms)
    sid = read_id(request, "session_id")
    await sessions.end_own_session(state.services, sid, token.sub, origin=origin_of(request), now_ms=now_ms)
    state.metrics.revocations("sid").inc()
    return Response(status_code=204)


def shown(session: Session, *, current: str | None) -> dict[str, Any]:
    """Return what a list tells of *session*, where *current* is the ``sid`` of the token that asks."""
    return {
        "session_id": session.sid,
        "client": session.client.value,
        "device_name": session.device_name,
        "browser": session.device.browser,
        "os": session.device.os,
        "address": session.device.address,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "current": session.sid == current,
    }
