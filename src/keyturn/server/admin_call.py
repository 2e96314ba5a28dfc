"""A request of an admin: who asks, and what is recorded with what they do."""

from dataclasses import dataclass, replace

from starlette.requests import Request

from keyturn.core import admin
from keyturn.core.model import Origin
from keyturn.core.services import Services
from keyturn.server.bearer import authenticate_for_issuer
from keyturn.server.exchange import origin_of, state_of
from keyturn.tokens.access_token import AccessToken


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminCall:
    """A request whose token is an admin's.

    Attributes:
        origin: names the admin, so that the audit log says who did it.
        now_ms: the time of the request.

    """

    services: Services
    token: AccessToken
    origin: Origin
    now_ms: int


async def authenticate_admin(request: Request) -> AdminCall:
    """Return the request as an admin's, if it carries an admin's token for the issuer itself.

    Raises:
        MissingToken: there is no token.
        InvalidRequest: the Authorization header is malformed or there twice.
        InvalidToken: something is wrong with the token, its audience included, or its user is disabled.
        InsufficientScope: its user is no admin.
        TemporarilyUnavailable: what is revoked, or the user, can't be read.

    """
    state = state_of(request)
    now_ms = state.clock.now_ms()
    token = await authenticate_for_issuer(request, now_ms=now_ms)
    await admin.check_admin(state.services, token)
    origin = replace(origin_of(request), actor=f"admin:{token.sub}")
    return AdminCall(services=state.services, token=token, origin=origin, now_ms=now_ms)
