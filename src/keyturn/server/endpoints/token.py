"""``POST /token``: a refresh token for its successor and a new access token (RFC 6749 §6).

A native client's token comes in the form, a browser's in its cookie; a token in the form goes before the cookie.
The cookie alone makes the request a browser's, and then the CSRF rule applies.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from keyturn.core import refresh
from keyturn.core.grant import parse_scope
from keyturn.core.model import ClientKind, EndReason
from keyturn.core.refresh import RefreshRequest, Verdict
from keyturn.errors import InvalidGrant, InvalidRequest, KeyturnError, UnsupportedGrantType
from keyturn.server import cookies, csrf, problems, token_answers
from keyturn.server.description.models import TokenRequest
from keyturn.server.exchange import device_of, origin_of, state_of
from keyturn.server.problems import Face
from keyturn.server.reading.bodies import FORM, read_fields
from keyturn.server.reading.validation import validate_oauth


async def post(request: Request) -> Response:
    """Refresh, and count how it went."""
    refreshes = state_of(request).metrics.refreshes
    try:
        response = await _refresh(request)
    except KeyturnError as error:
        refreshes(error.code.value).inc()
        raise
    refreshes("success" if response.status_code == _OK else "invalid_grant").inc()
    return response


async def _refresh(request: Request) -> Response:
    state = state_of(request)
    now_ms = state.clock.now_ms()
    _, fields = await read_fields(request, FORM)
    body = validate_oauth(TokenRequest, fields)
    if body.grant_type != "refresh_token":
        raise UnsupportedGrantType("grant_type")
    if body.refresh_token is not None:
        order = _order(request, body, body.refresh_token, body.device_token, _FROM_BODY)
        issued = await refresh.refresh(state.services, order, now_ms=now_ms)
        return token_answers.answer(request, issued, now_ms=now_ms)
    return await _refresh_by_cookie(request, body, now_ms)


async def _refresh_by_cookie(request: Request, body: TokenRequest, now_ms: int) -> Response:
    state = state_of(request)
    ours = token_answers.cookies_of(request)
    text = cookies.read(request, ours.refresh)
    if text is None:
        raise InvalidRequest("no refresh token", sentence="There is no refresh token, in the form or in its cookie.")
    csrf.check(request, issuer=state.settings.issuer, origins=state.origins)
    device = body.device_token or cookies.read(request, ours.device)
    order = _order(request, body, text, device, _FROM_COOKIE)
    try:
        issued = await refresh.refresh(state.services, order, now_ms=now_ms)
    except InvalidGrant as refusal:
        if refusal.reason not in _OVER:
            raise
        response = problems.answer(refusal, Face.OAUTH, issuer=state.settings.issuer)
        ours.clear_tokens(response)
        return response
    return token_answers.answer(request, issued, now_ms=now_ms)


def _order(
    request: Request, body: TokenRequest, text: str, device_token: str | None, clients: frozenset[ClientKind]
) -> RefreshRequest:
    return RefreshRequest(
        refresh_token=text,
        clients=clients,
        scope=parse_scope(body.scope),
        resource=body.resource,
        device_token=device_token,
        device=device_of(request),
        origin=origin_of(request),
    )


_OK: Final = 200
_FROM_BODY: Final = frozenset({ClientKind.NATIVE})
_FROM_COOKIE: Final = frozenset({ClientKind.BROWSER, ClientKind.COOKIE})

#: The refusals after which the session never works again. After any other, the cookie may be good the next time.
_OVER: Final = frozenset(
    {
        "unknown_session",
        Verdict.UNKNOWN,
        Verdict.ENDED,
        Verdict.EXPIRED,
        Verdict.REUSED,
        EndReason.DEVICE_CHANGED,
        EndReason.ADDRESS_CHANGED,
    }
)
