"""Where the database is: a URL as libpq takes it, read by asyncpg; here is what we say about it beside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from keyturn.errors import ConfigurationError

SCHEMES: Final = ("postgresql", "postgres")

_PORTS: Final = 1 << 16

DECIDED_MODES: Final = frozenset({"disable", "require", "verify-ca", "verify-full"})
"""The values of ``sslmode`` that say what happens. The others, and the default, go on in plain text without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A URL that was understood.

    Attributes:
        url: as it was given; it may hold a password.
        urls: the same for each of its hosts alone.
        hosts: the names or addresses in it; none for a socket of this machine.
        options: what stands behind the question mark.

    """

    url: str = field(repr=False)
    urls: tuple[str, ...] = field(repr=False)
    hosts: tuple[str, ...]
    options: Mapping[str, str] = field(repr=False)

    @property
    def may_fall_back_to_plain_text(self) -> bool:
        """Tell whether it depends on who answers across a network if there is TLS."""
        return self.options.get("sslmode") not in DECIDED_MODES and not all(map(_is_here, self.hosts))


def location_of(url: str) -> Location:
    """Read ``postgresql://user:password@host1,host2:port/database?sslmode=verify-full``.

    Raises:
        ConfigurationError: it is no such URL. The sentence holds nothing of it.

    """
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise _not_understood() from None
    if parts.scheme not in SCHEMES or parts.fragment or parts.netloc.count("@") > 1:
        raise _not_understood()
    user, at, listed = parts.netloc.rpartition("@")
    places = listed.split(",")
    if not all(map(_has_real_port, places)):
        raise _not_understood()
    if bool(listed) == bool(options.get("host")):  # with two, or none, it is for the driver or for PGHOST to say where
        raise ConfigurationError("database.url: name the host once, before the database or as ?host=… behind it.")
    urls = [parts._replace(netloc=f"{user}{at}{one}").geturl() for one in places]
    hosts = tuple(_host(one) for one in (listed or options["host"]).split(",") if one)
    return Location(url=url, urls=tuple(urls) if len(urls) > 1 else (url,), hosts=hosts, options=options)


def _not_understood() -> ConfigurationError:
    return ConfigurationError(
        "database.url: write postgresql://user:password@host:5432/database; in a user name or password, %-encode"
        " every character but letters, digits, '-', '.', '_' and '~'."
    )


def _host(listed: str) -> str:
    if listed.startswith("["):
        return listed[1:].partition("]")[0]
    return listed.partition(":")[0]


def _has_real_port(listed: str) -> bool:
    _, colon, port = listed.rpartition("]")[2].rpartition(":")
    return not colon or (port.isascii() and port.isdecimal() and 0 < int(port) < _PORTS)


def _is_here(host: str) -> bool:
    if host == "localhost" or host.startswith(("/", "%2F", "%2f")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
