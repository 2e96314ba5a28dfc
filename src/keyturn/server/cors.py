"""Which origins' pages may call us, and what their browsers are told (CORS, the Fetch standard §3.2).

The list is exact; ``*`` is never answered, nor is ``null`` ever an origin of ours.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

Header = tuple[bytes, bytes]


class LoopbackOrigins(StrEnum):
    """Whether pages that this machine serves may call us, whatever their port: only ``keyturn dev`` allows that."""

    REFUSED = "refused"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """The origins whose pages may call us.

    Attributes:
        listed: those of ``server.cors_origins``, as browsers write them.

    """

    listed: frozenset[str] = frozenset()
    loopback: LoopbackOrigins = LoopbackOrigins.REFUSED

    @classmethod
    def of(cls, listed: Iterable[str], loopback: LoopbackOrigins = LoopbackOrigins.REFUSED) -> "Origins":
        """Return the origins *listed*, and with *loopback* this machine's."""
        return cls(listed=frozenset(listed), loopback=loopback)

    def allows(self, origin: str) -> bool:
        """Say whether pages of *origin* may call us."""
        if origin in self.listed:
            return origin != "null"
        return self.loopback is LoopbackOrigins.ALLOWED and _is_loopback(origin)


def answer_headers(origin: str) -> list[Header]:
    """Return the headers that let a page of the allowed *origin* read an answer."""
    return [(b"access-control-allow-origin", origin.encode("latin-1")), *_ANSWER]


def preflight_headers(origin: str) -> list[Header]:
    """Return the headers that let a page of the allowed *origin* send a request."""
    return [(b"access-control-allow-origin", origin.encode("latin-1")), *_PREFLIGHT]


def _is_loopback(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or parts.hostname not in _LOOPBACK:
        return False
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return origin == f"{parts.scheme}://{host}{'' if port is None else f':{port}'}"


_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_CREDENTIALS: Final = (b"access-control-allow-credentials", b"true")
_ANSWER: Final[tuple[Header, ...]] = (
    _CREDENTIALS,
    (b"access-control-expose-headers", b"Retry-After, WWW-Authenticate, X-Request-Id"),
)
_PREFLIGHT: Final[tuple[Header, ...]] = (
    _CREDENTIALS,
    (b"access-control-allow-methods", b"GET, POST, DELETE"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, X-Request-Id"),
    (b"access-control-max-age", b"600"),
)
