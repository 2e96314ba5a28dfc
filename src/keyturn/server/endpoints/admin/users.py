"""``/admin/api/users``: the accounts of our own directory, and shutting one out. An app's own users are not here."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keyturn.core import admin, users
from keyturn.core.model import StoredUser
from keyturn.server.admin_call import authenticate_admin
from keyturn.server.exchange import state_of
from keyturn.server.reading import paging
from keyturn.server.reading.parameters import read_id


async def list_users(request: Request) -> Response:
    """Answer with a page of the users, by their names."""
    users.own_users(state_of(request).services)
    call = await authenticate_admin(request)
    page = paging.read_page(request)
    found = await users.list_users(call.services, after=page.after, most=page.most)
    return paging.answer(found, page, show=_shown, key=lambda user: user.username_key)


async def get(request: Request) -> Response:
    """Answer with one user."""
    users.own_users(state_of(request).services)
    call = await authenticate_admin(request)
    user = await users.get_by_sub(call.services, read_id(request, "sub"))
    return JSONResponse(_shown(user))


async def disable(request: Request) -> Response:
    """Shut a user out."""
    users.own_users(state_of(request).services)
    call = await authenticate_admin(request)
    sub = read_id(request, "sub")
    await admin.disable_user(call.services, sub, admin=call.token.sub, origin=call.origin, now_ms=call.now_ms)
    return Response(status_code=204)


async def enable(request: Request) -> Response:
    """Let a user in again."""
    users.own_users(state_of(request).services)
    call = await authenticate_admin(request)
    user = await users.get_by_sub(call.services, read_id(request, "sub"))
    await users.enable(call.services, user, origin=call.origin, now_ms=call.now_ms)
    return Response(status_code=204)


def _shown(user: StoredUser) -> dict[str, Any]:
    return {
        "sub": user.sub,
        "username": user.username,
        "roles": list(user.roles),
        "disabled": user.disabled_at is not None,
        "created_at": user.created_at,
    }
