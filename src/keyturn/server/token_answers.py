"""Issued tokens on their way out: in the body for a native client, in cookies for the others (RFC 6749 §5.1)."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from keyturn.core.issue import Issued
from keyturn.core.model import ClientKind
from keyturn.server import cookies
from keyturn.server.cookies import DEVICE_MAX_AGE, Cookies
from keyturn.server.exchange import state_of


def answer(request: Request, issued: Issued, *, now_ms: int) -> Response:
    """Return the answer that carries *issued* the way its session's client keeps tokens."""
    response = JSONResponse(_body(issued), headers=_NO_STORE)
    _set_cookies(request, response, issued, now_ms)
    return response


def redirect(request: Request, issued: Issued, path: str, *, now_ms: int) -> Response:
    """Return the answer that sets the cookies and has the browser GET *path* (RFC 9110 §15.4.4)."""
    response = RedirectResponse(path, status_code=303, headers=_NO_STORE)
    _set_cookies(request, response, issued, now_ms)
    return response


def cookies_of(request: Request) -> Cookies:
    """Return the names and attributes of this server's cookies."""
    settings = state_of(request).settings
    return Cookies.of(settings.issuer, settings.cookie.same_site)


def _body(issued: Issued) -> dict[str, Any]:
    body = {
        "expires_in": issued.expires_in,
        "scope": " ".join(issued.scopes),
        "session_id": issued.session.sid,
    }
    if issued.session.client is ClientKind.COOKIE:
        return body
    body |= {"access_token": issued.access_token, "token_type": "Bearer"}
    if issued.session.client is ClientKind.NATIVE:
        body["refresh_token"] = issued.refresh_token
        if issued.device_token is not None:
            body["device_token"] = issued.device_token
    return body


def _set_cookies(request: Request, response: Response, issued: Issued, now_ms: int) -> None:
    if issued.session.client is ClientKind.NATIVE:
        return
    ours = cookies_of(request)
    left = issued.session.ends_at() - now_ms // 1000
    ours.set(response, ours.refresh, issued.refresh_token, max_age=left)
    if issued.device_token is not None:
        ours.set(response, ours.device, issued.device_token, max_age=DEVICE_MAX_AGE)
    if issued.session.client is ClientKind.COOKIE:
        ours.set(response, ours.access, issued.access_token, max_age=issued.expires_in)
    elif cookies.is_there(request, ours.access):
        ours.clear(response, (ours.access,))  # left from another login: pages must not go on as that user


_NO_STORE: Final = {"Cache-Control": "no-store"}
