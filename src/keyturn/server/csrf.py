"""The CSRF rule on a request: may a page of this origin send what a cookie alone authenticates?

The rule itself is in `keyturn.verify.cookie`; here it gets the headers of a request and the origins of this server.
"""

from starlette.requests import Request

from keyturn.errors import Forbidden
from keyturn.server.cors import Origins
from keyturn.verify.cookie import csrf_allows, csrf_allows_or_absent, origin_of


def allows(request: Request, *, issuer: str, origins: Origins) -> bool:
    """Say whether a request whose only credential is a cookie comes from a page that may send it."""
    sent = request.headers.getlist("origin")
    return csrf_allows(
        origins=sent,
        fetch_sites=request.headers.getlist("sec-fetch-site"),
        own_origin=origin_of(issuer),
        allowed_origins=_allowed(sent, origins),
    )


def check(request: Request, *, issuer: str, origins: Origins) -> None:
    """Let a request through whose only credential is a cookie, if it comes from a page that may send it.

    Raises:
        Forbidden: it does not.

    """
    if not allows(request, issuer=issuer, origins=origins):
        raise Forbidden("the CSRF rule")


def check_if_browser(request: Request, *, issuer: str, origins: Origins) -> None:
    """Let a request through that carries its own credentials: a browser's from a page that may, and any other client's.

    Raises:
        Forbidden: a page sent it that may not.

    """
    sent = request.headers.getlist("origin")
    if not csrf_allows_or_absent(
        origins=sent,
        fetch_sites=request.headers.getlist("sec-fetch-site"),
        own_origin=origin_of(issuer),
        allowed_origins=_allowed(sent, origins),
    ):
        raise Forbidden("the CSRF rule")


def _allowed(sent: list[str], origins: Origins) -> list[str]:
    return [origin for origin in sent if origins.allows(origin)]
