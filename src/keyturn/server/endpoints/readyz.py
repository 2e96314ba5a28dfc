"""``GET /readyz``: whether requests should be sent here: it can do its work, and its clock is right.

That means: the database answers, there is a key to sign with, and the clock of this host is at most five seconds off.
Our own rules go by the database's clock, and would not notice. But who judges a token's ``iat`` and ``exp`` on this
host, an API or a proxy, goes by the clock of the host.
"""

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keyturn.core.services import Services
from keyturn.errors import TemporarilyUnavailable
from keyturn.server.clock import Clock
from keyturn.server.exchange import state_of


async def get(request: Request) -> Response:
    """Answer 200 or 503, and what is missing."""
    database, signing_key = await _check(request)
    clock = state_of(request).clock
    ready = database == signing_key == _OK and not clock.is_off
    body = {
        "status": _OK if ready else _UNAVAILABLE,
        "database": database,
        "signing_key": signing_key,
        "clock": _clock(clock),
        **_redis(request),
    }
    return JSONResponse(body, status_code=200 if ready else 503, headers={"Cache-Control": "no-store"})


async def _check(request: Request) -> tuple[str, str]:
    try:
        services = state_of(request).services
    except TemporarilyUnavailable:
        return _UNAVAILABLE, _UNAVAILABLE
    return await _database(services), _signing_key(services)


def _clock(clock: Clock) -> dict[str, str | int]:
    offset: dict[str, str | int] = {"offset_ms": clock.offset_ms}
    return {"status": _OFF, **offset} if clock.is_off else offset


def _redis(request: Request) -> dict[str, str]:
    """Say how Redis fares, if there is one. Whether we are ready does not depend on it."""
    try:
        state = state_of(request).services.store.cache_state
    except TemporarilyUnavailable:
        return {}
    return {} if state is None else {"redis": state.value}


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
_OFF: Final = "off"
