"""Where Redis is: the forms that ``redis.url`` may have. Pure; needs no driver.

One server ``redis://[user:password@]host[:port][/db]``, Sentinel
``redis+sentinel://[user:password@]host[:port],…/service[/db]``, Cluster
``redis+cluster://[user:password@]host[:port],…``. ``rediss`` is the same with TLS, ``valkey`` and ``valkeys`` are the
same again. No message repeats any of the URL, since it may hold a password.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from keyturn.errors import ConfigurationError


class Topology(StrEnum):
    """How the servers stand together."""

    SINGLE = ""
    SENTINEL = "+sentinel"
    CLUSTER = "+cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """What ``redis.url`` says.

    Attributes:
        hosts: the server; or the Sentinels; or some nodes of the Cluster, which know the others.
        service: the name that the Sentinels know the servers by.
        db: the number of the database; a Cluster has only 0.

    """

    topology: Topology
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    service: str = ""
    db: int = 0
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


def parse_location(url: str) -> Location:
    """Return what *url* says.

    Raises:
        ConfigurationError: it has none of the forms above.

    """
    found = _URL.fullmatch(url)
    if found is None:
        raise _refused("it must start with redis://, rediss://, redis+sentinel:// or redis+cluster://")
    topology = Topology(found["topology"] or "")
    service, db = _path(topology, found["path"] or "")
    username, password = _user(found["user"])
    return Location(
        topology=topology,
        tls=found["tls"] is not None,
        hosts=_hosts(topology, found["hosts"]),
        service=service,
        db=db,
        username=username,
        password=password,
    )


def _hosts(topology: Topology, text: str) -> tuple[tuple[str, int], ...]:
    hosts = tuple(_host(topology, each) for each in text.split(","))
    if topology is Topology.SINGLE and len(hosts) > 1:
        raise _refused("several hosts are for redis+sentinel:// and redis+cluster://")
    return hosts


def _host(topology: Topology, text: str) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    if found is None:
        raise _refused("a host is a name or an address, an IPv6 one in brackets, and perhaps a :port")
    port = int(found["port"] or (_SENTINEL_PORT if topology is Topology.SENTINEL else _PORT))
    if not 0 < port <= _LAST_PORT:
        raise _refused("a port is a number from 1 to 65535")
    return found["name"] or found["ipv6"], port


def _path(topology: Topology, path: str) -> tuple[str, int]:
    service, text = "", path.removeprefix("/")
    if topology is Topology.SENTINEL:
        service, _, text = text.partition("/")
        if not service:
            raise _refused("behind the Sentinels comes the service that they watch: redis+sentinel://host/service")
    if not _DB.fullmatch(text):
        raise _refused("behind the hosts comes at most the number of a database")
    if topology is Topology.CLUSTER and text not in ("", "0"):
        raise _refused("a Cluster has only database 0")
    return unquote(service), int(text or 0)


def _user(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    name, _, password = text.partition(":")
    return unquote(name) or None, unquote(password) or None


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(f"redis.url: {why}. {FORMS}")


FORMS: Final = (
    "Write redis://[user:password@]host[:port][/db],"
    " redis+sentinel://[user:password@]host[:port],…/service[/db] or redis+cluster://[user:password@]host[:port],…;"
    " rediss is the same with TLS. Percent-encode what is no letter or digit in a password."
)
_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_LAST_PORT: Final = 65535
_URL: Final = re.compile(
    r"(?:redis|valkey)(?P<tls>s)?(?P<topology>\+sentinel|\+cluster)?://"
    r"(?:(?P<user>[^\s/?#]*)@)?(?P<hosts>[^\s/?#@]+)(?P<path>/[^\s?#]*)?",
    re.ASCII,
)
_HOST: Final = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?")
_DB: Final = re.compile(r"[0-9]{0,4}")
