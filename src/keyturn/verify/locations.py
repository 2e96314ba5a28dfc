"""Where an issuer may be: at an https URL, or on this machine. Pure.

Such a URL comes from configuration alone, never from a token (RFC 8725 §3.10), and a plain HTTP one would let
anybody on the way replace the keys.
"""

import ipaddress
import re
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, urlsplit

from keyturn.errors import ConfigurationError


class Transport(StrEnum):
    """What a URL may be reached through."""

    TLS_OR_LOOPBACK = "tls_or_loopback"
    ANY = "any"


def check_location(url: str, *, name: str, transport: Transport = Transport.TLS_OR_LOOPBACK) -> str:
    """Return *url* unchanged if keys may be fetched from there.

    Args:
        url: an absolute URL.
        name: what the setting is called, for the message.
        transport: whether plain HTTP may go beyond this machine.

    Raises:
        ConfigurationError: it is no http(s) URL, has user information, a fragment or odd characters, or is plain HTTP.

    """
    parts = _split(url)
    if parts is None:
        raise ConfigurationError(f"{name}: give an absolute https URL without user name, fragment or spaces.")
    if parts.scheme == "http" and transport is not Transport.ANY and not is_loopback(parts.hostname or ""):
        raise ConfigurationError(
            f"{name}: plain HTTP is for localhost alone; use https, or danger_allow_http=True in a closed network."
        )
    return url


def check_issuer(url: str, *, transport: Transport = Transport.TLS_OR_LOOPBACK) -> str:
    """Return *url* unchanged if it can be an issuer: a location without a query (RFC 8414 §2).

    Raises:
        ConfigurationError: it can't.

    """
    check_location(url, name="issuer", transport=transport)
    if "?" in url:
        raise ConfigurationError("issuer: a query can't be part of an issuer.")
    return url


def key_set_location(issuer: str) -> str:
    """Return where *issuer* publishes its keys."""
    return f"{issuer.removesuffix('/')}/.well-known/jwks.json"


def revocations_location(issuer: str) -> str:
    """Return where *issuer* publishes what it revokes."""
    return f"{issuer.removesuffix('/')}/revocations"


def is_loopback(host: str) -> bool:
    """Say whether *host* is this machine: ``localhost``, 127.0.0.0/8 or ``::1``. No name is resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: object) -> SplitResult | None:
    if not isinstance(url, str) or not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable and "@" not in parts.netloc else None


#: Printable ASCII without what clients are known to read in two ways, and without a fragment.
_PLAIN: Final = re.compile(r"[!$-;=?-\[\]_a-z~]+")
