"""``GET /readyz``: whether requests should be sent here: the database answers, and there is a key to sign with."""

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keyturn.core.services import Services
from keyturn.errors import TemporarilyUnavailable
from keyturn.server.exchange import state_of


async def get(request: Request) -> Response:
    """Answer 200 or 503, and what is missing."""
    database, signing_key = await _check(request)
    ready = database == signing_key == _OK
    body = {
        "status": _OK if ready else _UNAVAILABLE,
        "database": database,
        "signing_key": signing_key,
        "clock": {"offset_ms": 0},  # SQLite is in this process: its clock is ours
    }
    return JSONResponse(body, status_code=200 if ready else 503, headers={"Cache-Control": "no-store"})


async def _check(request: Request) -> tuple[str, str]:
    try:
        services = state_of(request).services
    except TemporarilyUnavailable:
        return _UNAVAILABLE, _UNAVAILABLE
    return await _database(services), _signing_key(services)


async def _database(services: Services) -> str:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await services.store.ping()
    except (TemporarilyUnavailable, TimeoutError):
        return _UNAVAILABLE
    return _OK


def _signing_key(services: Services) -> str:
    try:
        services.keyring.signing_key()
    except TemporarilyUnavailable:
        return _UNAVAILABLE
    return _OK


PATIENCE_SECONDS: Final = 3.0
"""How long the database may take to answer."""

_OK: Final = "ok"
_UNAVAILABLE: Final = "unavailable"
