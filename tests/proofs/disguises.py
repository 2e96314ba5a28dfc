"""A wrong password for one account, every time in another disguise: address, headers, spelling of the name, form.

Half of the tries come straight from an address of the attacker's, who has whole networks; half come through a proxy
that is trusted, which writes the attacker's address behind whatever the attacker wrote.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from itertools import count
from random import Random
from typing import Final
from urllib.parse import quote, urlencode

from wire import FORM, JSON

ACCOUNT: Final = "zoë.straße@example.com"
PROXY: Final = "10.9.8.7"
PROXIES: Final = "10.0.0.0/8"

SAME: Final = (
    ACCOUNT,
    ACCOUNT.upper(),
    ACCOUNT.title(),
    ACCOUNT.replace("ß", "SS"),
    ACCOUNT.replace("ë", "e\u0308"),
    ACCOUNT.replace("zo", "\uff5a\uff4f"),
    ACCOUNT.replace("s", "\u017f", 1),
    ACCOUNT.replace(".", "\uff0e"),
)
"""Spellings of the account's name: they are one account, and have one limit."""

OTHER: Final = (
    ACCOUNT.replace(".", "", 1),
    ACCOUNT.replace("@", "+1@"),
    f"{ACCOUNT} ",
    f" {ACCOUNT}",
    ACCOUNT.replace("ë", "e"),
    ACCOUNT.replace("o", "\u043e"),
    f"{ACCOUNT}\u200b",
)
"""Names that are somebody else's, or nobody's."""

NAMES_OF_A_CLIENT: Final = (
    "X-Forwarded-For",
    "Forwarded",
    "X-Real-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Fastly-Client-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Original-Forwarded-For",
)
"""Headers in which somebody somewhere looks for a client's address."""

PATHS: Final = ("/login",) * 12 + ("/login?a=b", "//login", "/login/", "/LOGIN", "/./login", "/login%2f", "/%6cogin")
METHODS: Final = ("POST",) * 12 + ("HEAD", "OPTIONS", "GET", "PUT")

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disguise:
    """A request as it arrives here. *peer* is the other end of its connection."""

    peer: str
    method: str
    path: str
    headers: Headers
    body: bytes = field(repr=False)


def disguises(random: Random) -> Iterator[Disguise]:
    """Yield tries without end, each from a /64 that was never seen before; now and then from an IPv4 address."""
    for number in count():
        address = _address(random, number)
        peer, headers = _way(random, address)
        kind, body = _body(random)
        yield Disguise(
            peer=peer,
            method=random.choice(METHODS),
            path=random.choice(PATHS),
            headers=(("Content-Type", kind), *headers),
            body=body,
        )


def sprayed(random: Random, address: str) -> Disguise:
    """Return one try at an account of ten thousand, from *address*, straight or through the proxy."""
    peer, headers = _way(random, address)
    body = json.dumps({"username": f"user{random.randrange(10_000)}", "password": "Summer2026!"}).encode()
    return Disguise(peer=peer, method="POST", path="/login", headers=(("Content-Type", JSON), *headers), body=body)


def spoofed(random: Random) -> Headers:
    """Return headers that claim that somebody else asks."""
    claimed = random.choice(("127.0.0.1", PROXY, f"203.0.113.{random.randrange(256)}", str(_in_network(random, 0))))
    names = random.sample(NAMES_OF_A_CLIENT, random.randrange(4))
    return tuple((name, f"for={claimed}" if name == "Forwarded" else claimed) for name in names)


def _address(random: Random, number: int) -> str:
    """Return an address of one of many /64s; some share a /48, some are IPv4 written as IPv6."""
    if number % 50 == 0:
        return f"::ffff:198.51.{random.randrange(256)}.{random.randrange(256)}"
    return str(_in_network(random, number))


def _in_network(random: Random, number: int) -> IPv6Address:
    return IPv6Address((0x2001_0DB8 << 96) | (number << 64) | random.getrandbits(64))


def _way(random: Random, address: str) -> tuple[str, Headers]:
    """Return the peer and its headers: the attacker, or the proxy with the attacker's address at the right."""
    if random.random() < 0.5:
        return address, spoofed(random)
    claims = tuple(pair for pair in spoofed(random) if pair[0] != "X-Forwarded-For")
    return PROXY, (("X-Forwarded-For", f"127.0.0.1, 203.0.113.9, {address}"), *claims)


def _body(random: Random) -> tuple[str, bytes]:
    fields = {
        "username": random.choice(SAME * 4 + OTHER),
        "password": f"wrong {random.random()}",
        "client": random.choice(("browser", "native", "cookie")),
    }
    if random.random() < 0.2:
        fields["device_token"] = f"ktd_{quote(str(random.random()))}"
    if random.random() < 0.5:
        return JSON, json.dumps(fields).encode()
    return FORM, urlencode(fields).encode()
