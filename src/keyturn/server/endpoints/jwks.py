"""``GET /.well-known/jwks.json``: the keys that tokens may be verified with (RFC 7517 §5)."""

import hashlib
import json
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from keyturn.core.policy import JWKS_MAX_AGE
from keyturn.server.exchange import state_of


async def get(request: Request) -> Response:
    """Answer with the JWK Set, or with 304 to whoever has it (RFC 9110 §13.1.2)."""
    keys = [key.to_jwk() for key in state_of(request).services.keyring.published()]
    body = json.dumps({"keys": keys}, separators=(",", ":")).encode()
    headers = {"Cache-Control": _CACHE_CONTROL, "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"'}
    if _has(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/jwk-set+json", headers=headers)


def _has(request: Request, etag: str) -> bool:
    """Say whether the peer has this version; a weak comparison, as If-None-Match asks for."""
    sent = ",".join(request.headers.getlist("if-none-match")).split(",")
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in sent)


_CACHE_CONTROL: Final = f"public, max-age={JWKS_MAX_AGE}"
