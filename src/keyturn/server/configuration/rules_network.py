"""Rules for the settings about URLs and sockets: the issuer, other origins, and how passwords reach this server."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyturn.server.configuration import secret_files
from keyturn.server.configuration.problem import Problem
from keyturn.server.wire import tls as tls_files
from keyturn.verify.cookie import origin_of
from keyturn.verify.locations import is_loopback

if TYPE_CHECKING:
    from keyturn.server.settings import Settings

Problems = Iterator[Problem]


def issuer(settings: "Settings") -> Problems:
    """Take an https URL in its one spelling (RFC 8414 §2)."""
    if not settings.issuer:
        return
    found = _ISSUER.fullmatch(settings.issuer)
    if found is None or not _has_real_port(found):
        yield Problem(
            ("issuer",),
            "write https://host[:port][/path], in lower case up to the path,"
            " without user name, query, fragment or a slash at the end.",
        )
    elif _is_open(found, settings):
        yield Problem(("issuer", "danger.allow_http"), "plain HTTP is for localhost alone; use https.")


def cors(settings: "Settings") -> Problems:
    """Take exact origins alone (RFC 6454 §6.2)."""
    for origin in settings.server.cors_origins:
        found = _EXACT_ORIGIN.fullmatch(origin)
        if found is None or not _has_real_port(found) or origin_of(origin) != origin:
            yield Problem(
                ("server.cors_origins",),
                "each is an exact origin such as https://app.example.com: no *, no null, no path, no slash at the end.",
            )
        elif _is_open(found, settings):
            yield Problem(("server.cors_origins",), "plain HTTP is for localhost alone; use https origins.")


def transport(settings: "Settings") -> Problems:
    """Let no password cross a network in the clear, and no cookie go without Secure."""
    server = settings.server
    if settings.danger.allow_http or is_loopback(server.host):
        return
    if not (server.tls_cert or server.trusted_proxies):
        yield Problem(
            ("server.host", "server.tls_cert", "server.trusted_proxies"),
            "passwords would cross the network in the clear; set server.tls_cert and server.tls_key,"
            " or name the proxy that ends TLS in server.trusted_proxies, or listen on 127.0.0.1.",
        )
    elif settings.issuer.startswith("http:"):
        yield Problem(
            ("issuer", "server.host"),
            f"plain HTTP is for this machine alone, and server.host, {server.host}, lets others in: passwords would"
            " cross the network in the clear, and cookies would go without Secure; use the https URL of this server.",
        )


def tls(settings: "Settings") -> Problems:
    """Take a certificate that belongs to its key, and a key that no stranger can read (KEY-10)."""
    server = settings.server
    if bool(server.tls_cert) != bool(server.tls_key):
        missing = "server.tls_key" if server.tls_cert else "server.tls_cert"
        yield Problem((missing,), "certificate and key go together; set both or none.")
    elif server.tls_cert:
        unusable = list(_told("server.tls_cert", lambda: tls_files.load(server.tls_cert, server.tls_key)))
        yield from unusable or _told("server.tls_key", lambda: secret_files.check_not_public(Path(server.tls_key)))


def _told(name: str, check: Callable[[], object]) -> Problems:
    try:
        check()
    except ValueError as error:
        yield Problem((name,), f"{error}.")


def _is_open(found: re.Match[str], settings: "Settings") -> bool:
    """Say whether a URL goes over a network in the clear without the operator's word for it."""
    host = found["host"].strip("[]")
    return found["scheme"] == "http" and not is_loopback(host) and not settings.danger.allow_http


def _has_real_port(found: re.Match[str]) -> bool:
    return 0 < int(found["port"] or 1) < _PORTS


_PORTS: Final = 1 << 16
_ORIGIN: Final = (
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:]{2,39}\])(?::(?P<port>[0-9]{1,5}))?"
)
_EXACT_ORIGIN: Final = re.compile(_ORIGIN)
_ISSUER: Final = re.compile(_ORIGIN + r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*")
