"""``POST /login``: name and password for a session. JSON, or a form with the same fields."""

from starlette.requests import Request
from starlette.responses import Response

from keyturn.core import login
from keyturn.core.grant import parse_scope
from keyturn.core.issue import Issued
from keyturn.core.model import ClientKind
from keyturn.errors import KeyturnError, ValidationFailed
from keyturn.server import cookies, csrf, token_answers
from keyturn.server.description.models import LoginRequest
from keyturn.server.exchange import device_of, origin_of, state_of
from keyturn.server.reading import return_path
from keyturn.server.reading.bodies import JSON_OR_FORM, read_fields
from keyturn.server.reading.media_type import MediaType
from keyturn.server.reading.validation import validate


async def post(request: Request) -> Response:
    """Log in, and count how it went."""
    logins = state_of(request).metrics.logins
    try:
        response = await _login(request)
    except KeyturnError as error:
        logins(error.code.value).inc()
        raise
    logins("success").inc()
    return response


async def _login(request: Request) -> Response:
    state = state_of(request)
    now_ms = state.clock.now_ms()
    csrf.check_if_browser(request, issuer=state.settings.issuer, origins=state.origins)
    kind, fields = await read_fields(request, JSON_OR_FORM)
    body = validate(LoginRequest, fields)
    path = _return_path(body, kind)
    issued = await _start_session(request, body, now_ms)
    if path is not None:
        return token_answers.redirect(request, issued, path, now_ms=now_ms)
    return token_answers.answer(request, issued, now_ms=now_ms)


def _return_path(body: LoginRequest, kind: MediaType) -> str | None:
    """Return where to go on to. Known before anything is changed: a bad target must not leave a session behind."""
    if body.return_to is None:
        return None
    if kind is not MediaType.FORM or body.client is not ClientKind.COOKIE:
        raise ValidationFailed("return_to", sentence="return_to goes with a form and client=cookie.")
    return return_path.check(body.return_to)


async def _start_session(request: Request, body: LoginRequest, now_ms: int) -> Issued:
    """Start a session of its own: whatever refresh token the request has with it is not looked at (REF-19)."""
    order = login.LoginRequest(
        username=body.username,
        password=body.password,
        client=body.client,
        device_name=body.device_name or "",
        scope=parse_scope(body.scope),
        resource=body.resource or None,
        device_token=_device_token(request, body),
        device=device_of(request),
        origin=origin_of(request),
    )
    return await login.login(state_of(request).services, order, now_ms=now_ms)


def _device_token(request: Request, body: LoginRequest) -> str | None:
    if body.device_token or body.client is ClientKind.NATIVE:
        return body.device_token
    return cookies.read(request, token_answers.cookies_of(request).device)
