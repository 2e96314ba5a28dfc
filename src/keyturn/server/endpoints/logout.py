"""``POST /logout`` and ``POST /logout/all``: end the session, or all of the user's.

A request may name sessions in three ways at once: refresh token, refresh cookie, bearer token. Each of them ends.
"""

from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from keyturn.core import sessions
from keyturn.core.model import Session
from keyturn.errors import Forbidden, InvalidToken, MissingToken
from keyturn.server import cookies, csrf, token_answers
from keyturn.server.bearer import authenticate, verify_expired_too
from keyturn.server.description.models import LogoutRequest
from keyturn.server.exchange import origin_of, state_of
from keyturn.server.reading.bodies import JSON_OR_FORM, read_optional_fields
from keyturn.server.reading.validation import validate
from keyturn.tokens.access_token import AccessToken
from keyturn.verify.bearer import parse_authorization


async def post(request: Request) -> Response:
    """End what the request names. Nothing to end is as good as an ending."""
    state = state_of(request)
    now_ms = state.clock.now_ms()
    origin = origin_of(request)
    named = await _credentials(request, now_ms)
    ended: list[Session] = []
    for text in named.refresh_tokens:
        ended += await sessions.logout_by_refresh_token(state.services, text, origin=origin, now_ms=now_ms)
    if named.bearer is not None and named.bearer.sid is not None:
        ended += await sessions.logout_by_sid(state.services, named.bearer.sid, origin=origin, now_ms=now_ms)
    state.metrics.revocations("sid").inc(len(ended))
    return _done(request)


async def post_all(request: Request) -> Response:
    """End every session of whom the token speaks for."""
    state = state_of(request)
    now_ms = state.clock.now_ms()
    token = await authenticate(request, now_ms=now_ms)
    ended = await sessions.logout_everywhere(state.services, token.sub, origin=origin_of(request), now_ms=now_ms)
    state.metrics.revocations("sid").inc(len(ended))
    return _done(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What the request names sessions with."""

    refresh_tokens: tuple[str, ...] = field(repr=False)
    bearer: AccessToken | None


async def _credentials(request: Request, now_ms: int) -> _Named:
    """Return the credentials that count.

    Raises:
        Forbidden: there is a cookie alone, and a page sent it that may not.
        InvalidToken: there is a bearer token alone, and it is not ours.

    """
    body = validate(LogoutRequest, await read_optional_fields(request, JSON_OR_FORM))
    cookie = cookies.read(request, token_answers.cookies_of(request).refresh)
    usable_cookie = cookie if _may_use_cookies(request) else None
    refresh_tokens = tuple(text for text in (body.refresh_token, usable_cookie) if text)
    try:
        text = parse_authorization(request.headers.getlist("authorization"))
        bearer = verify_expired_too(request, text, now_ms=now_ms)
    except MissingToken:
        bearer = None
    except InvalidToken:
        if not refresh_tokens:
            raise
        bearer = None
    if cookie and not refresh_tokens and bearer is None:
        raise Forbidden("the CSRF rule")
    return _Named(refresh_tokens=refresh_tokens, bearer=bearer)


def _done(request: Request) -> Response:
    response = Response(status_code=204, headers={"Cache-Control": "no-store"})
    if _may_use_cookies(request):
        token_answers.cookies_of(request).clear_tokens(response)
    return response


def _may_use_cookies(request: Request) -> bool:
    state = state_of(request)
    return csrf.allows(request, issuer=state.settings.issuer, origins=state.origins)
