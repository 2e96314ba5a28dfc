"""Where the token of a request is looked for: one place, chosen once, never a second one to fall back on. Pure."""

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Protocol

from keyturn.errors import ConfigurationError, Forbidden, MissingToken
from keyturn.verify.bearer import check_b64token, find_credentials
from keyturn.verify.cookie import SAFE_METHODS, access_cookie_name, csrf_allows, find_cookie, origin_of

#: Returns all values of the request header with this lower-case name.
HeaderValues = Callable[[str], Sequence[str]]

#: What a WebSocket handshake counts as: it is a GET that browsers send across sites, cookies included.
WEBSOCKET = "WEBSOCKET"


class TokenFrom(StrEnum):
    """The place."""

    HEADER = "header"
    COOKIE = "cookie"


class TokenReader(Protocol):
    """Finds the token of a request.

    Attributes:
        cookie: the name of the cookie it looks into; None for the header.

    """

    cookie: str | None

    def read(self, method: str, values: HeaderValues) -> str:
        """Return the token of the request with this *method* and these header *values*."""
        ...

    def check_refused(self, text: str) -> None:
        """Raise InvalidRequest if *text*, which the verifier refused, has not even the form of a token."""
        ...


def token_reader(token_from: str, *, issuer: str, allowed_origins: Collection[str] = ()) -> TokenReader:
    """Return the reader for *token_from*, ``header`` or ``cookie``.

    Args:
        token_from: the place.
        issuer: decides about the cookie's name and whose pages may use it.
        allowed_origins: other origins whose pages may; of no effect with the header.

    Raises:
        ConfigurationError: *token_from* names no such place, or *allowed_origins* is one string.

    """
    if token_from not in set(TokenFrom):
        raise ConfigurationError('token_from: say "header" or "cookie".')
    if isinstance(allowed_origins, str):
        raise ConfigurationError("allowed_origins: give a list of origins.")
    if token_from == TokenFrom.HEADER:
        return HeaderReader()
    return CookieReader(issuer=issuer, allowed_origins=allowed_origins)


class HeaderReader:
    """Reads the Authorization header."""

    cookie: str | None = None

    def read(self, method: str, values: HeaderValues) -> str:  # noqa: ARG002 - no method needs more than the header
        """Return the token, or whatever stands in its place.

        Raises:
            MissingToken: there is none.
            InvalidRequest: the header is malformed or there twice.

        """
        return find_credentials(values("authorization"))

    def check_refused(self, text: str) -> None:
        """Tell a malformed header, which is a bad request, from a bad token (RFC 6750 §3.1)."""
        check_b64token(text)


class CookieReader:
    """Reads the access cookie, which browsers send by themselves: so whatever may change things must be asked for."""

    def __init__(self, *, issuer: str, allowed_origins: Collection[str]) -> None:
        self._name = access_cookie_name(issuer)
        self.cookie: str | None = self._name
        self._own_origin = origin_of(issuer)
        self._allowed_origins = frozenset(allowed_origins)

    def read(self, method: str, values: HeaderValues) -> str:
        """Return the token.

        Raises:
            MissingToken: there is no such cookie.
            InvalidRequest: it is there twice.
            Forbidden: the method is unsafe, and the request comes from a page that may not send it.

        """
        text = find_cookie(values("cookie"), self._name)
        if text is None:
            raise MissingToken
        if method not in SAFE_METHODS and not self._may_send(values):
            raise Forbidden("the CSRF rule")
        return text

    def check_refused(self, text: str) -> None:
        """Let it be: a cookie with anything else in it than a token holds a bad token."""

    def _may_send(self, values: HeaderValues) -> bool:
        return csrf_allows(
            origins=values("origin"),
            fetch_sites=values("sec-fetch-site"),
            own_origin=self._own_origin,
            allowed_origins=self._allowed_origins,
        )
