"""``/admin/api/keys``: the signing keys, their rotation by hand, and their revocation in an emergency."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keyturn.core import keys
from keyturn.core.model import SigningKeyRecord
from keyturn.server.admin_call import authenticate_admin
from keyturn.server.exchange import state_of
from keyturn.server.reading.parameters import read_id


async def list_keys(request: Request) -> Response:
    """Answer with every key, the newest first; they are so few that one page holds them."""
    call = await authenticate_admin(request)
    records = await keys.list_keys(call.services)
    return JSONResponse({"items": [_shown(record) for record in records], "next": None})


async def rotate(request: Request) -> Response:
    """Publish the next key, or let it sign if it has been published long enough."""
    call = await authenticate_admin(request)
    await keys.rotate_now(call.services, origin=call.origin, now_ms=call.now_ms)
    return Response(status_code=204)


async def revoke(request: Request) -> Response:
    """Make every token that the key signed fail; that it is revoked already is fine."""
    call = await authenticate_admin(request)
    kid = read_id(request, "kid")
    changes = await keys.revoke_key(call.services, kid, origin=call.origin, now_ms=call.now_ms)
    state_of(request).metrics.revocations("kid").inc(len(changes.revoke))
    return Response(status_code=204)


def _shown(record: SigningKeyRecord) -> dict[str, Any]:
    return {
        "kid": record.kid,
        "algorithm": record.algorithm.value,
        "state": record.state.value,
        "published_at": record.published_at,
        "activate_at": record.activate_at,
        "activated_at": record.activated_at,
        "retired_at": record.retired_at,
        "revoked_at": record.revoked_at,
    }
