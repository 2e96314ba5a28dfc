"""Our cookies: their names, their attributes, setting, clearing and reading them (RFC 6265bis §4.1.3).

``__Host-`` lets a browser take them only from this host over TLS, for all paths, without ``Domain``: no sibling
domain can plant one. An issuer on plain ``http://localhost`` or ``http://127.0.0.1`` goes without.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from keyturn.verify.cookie import access_cookie_name, cookie_name, find_cookie, parse_cookies

DEVICE_MAX_AGE: Final = 365 * 24 * 60 * 60
"""Seconds that a device is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookies:
    """The cookies of one issuer.

    Attributes:
        refresh: the name of the cookie with the refresh token.
        access: of the one with the access token, for server-rendered pages.
        device: of the one with the device token.

    """

    refresh: str
    access: str
    device: str
    attributes: str

    @staticmethod
    @lru_cache(maxsize=16)
    def of(issuer: str, same_site: str) -> "Cookies":
        """Return the cookies of *issuer*; *same_site* is ``strict`` or ``lax``."""
        refresh = cookie_name("keyturn_refresh", issuer=issuer)
        secure = "; Secure" if refresh.startswith("__Host-") else ""
        return Cookies(
            refresh=refresh,
            access=access_cookie_name(issuer),
            device=cookie_name("keyturn_device", issuer=issuer),
            attributes=f"Path=/{secure}; HttpOnly; SameSite={same_site.capitalize()}",
        )

    def set(self, response: Response, name: str, value: str, *, max_age: int) -> None:
        """Have the browser keep *value*, one of our tokens, for *max_age* seconds."""
        response.headers.append("Set-Cookie", f"{name}={value}; Max-Age={max(0, max_age)}; {self.attributes}")

    def clear(self, response: Response, names: Sequence[str]) -> None:
        """Have the browser forget the cookies *names*."""
        for name in names:
            response.headers.append("Set-Cookie", f"{name}=; Max-Age=0; {self.attributes}")

    def clear_tokens(self, response: Response) -> None:
        """Have the browser forget both tokens. The device stays known."""
        self.clear(response, (self.refresh, self.access))


def read(request: Request, name: str) -> str | None:
    """Return the value of the cookie *name*; None if it is not there or empty.

    Raises:
        InvalidRequest: it is there twice.

    """
    return find_cookie(request.headers.getlist("cookie"), name) or None


def is_there(request: Request, name: str) -> bool:
    """Say whether the cookie *name* is there, once or more often."""
    return name in parse_cookies(request.headers.getlist("cookie"))
