"""Whose address a request counts against: the peer's, or what a trusted proxy says about who was before it.

Of ``X-Forwarded-For`` the right-most hop counts that is no proxy of ours: everything left of it was written by a
stranger. ``Forwarded`` (RFC 7239 §4) is read alike, and only where the other is not there: most proxies write one of
the two and pass on what a stranger wrote into the second. Where they are in doubt, the peer itself counts.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from keyturn.core.addresses import Address, parse_address

Networks = tuple[IPv4Network | IPv6Network, ...]


def client_address(
    peer: str, *, forwarded_for: Sequence[str], forwarded: Sequence[str], trusted_proxies: Networks
) -> str:
    """Return the address that a request counts against; an empty text if the peer has none (a Unix socket).

    Args:
        peer: the address at the other end of the connection.
        forwarded_for: all values of the X-Forwarded-For headers.
        forwarded: all values of the Forwarded headers.
        trusted_proxies: the networks whose forwarding headers are believed.

    """
    certain = certain_address(peer, forwarded_for=forwarded_for, forwarded=forwarded, trusted_proxies=trusted_proxies)
    return str(certain or parse_address(peer) or "")


def certain_address(
    peer: str, *, forwarded_for: Sequence[str], forwarded: Sequence[str], trusted_proxies: Networks
) -> Address | None:
    """Return the same address where there is no doubt about it, such as a header that can't be read; else None.

    What an address is allowed asks for this one: in doubt, the peer is a proxy that passes on who knows whom.
    """
    own = parse_address(peer)
    if own is None or not is_in(own, trusted_proxies):
        return own
    if forwarded_for:
        return _right_most_stranger(forwarded_for, _hop, trusted_proxies)
    if forwarded:
        return _right_most_stranger(forwarded, _forwarded_hop, trusted_proxies)
    return own


@lru_cache(maxsize=16)
def networks(texts: tuple[str, ...]) -> Networks:
    """Return the networks that *texts* name, such as ``10.0.0.0/8`` or ``::1``.

    Raises:
        ValueError: one of them is no network.

    """
    return tuple(map(ip_network, texts))


def is_in(address: Address, trusted: Networks) -> bool:
    """Say whether *address* is in one of the networks."""
    return any(address in network for network in trusted)


def _right_most_stranger(values: Sequence[str], parse: Callable[[str], str], trusted: Networks) -> Address | None:
    """Return the right-most hop that is not trusted, or the left-most of all; None where a hop can't be read."""
    hop = None
    for element in _from_the_right(values):
        hop = parse_address(parse(element))
        if hop is None or not is_in(hop, trusted):
            return hop
    return hop


def _from_the_right(values: Sequence[str]) -> Iterator[str]:
    """Yield the elements of all header instances as one list (RFC 9110 §5.3), the last first.

    A comma inside a quoted string splits it too, and then neither part can be read: that is in doubt, too.
    """
    for value in reversed(values):
        yield from reversed(value.split(","))


def _hop(element: str) -> str:
    """Return the address in ``address``, ``address:port``, ``[address]`` or ``[address]:port``; else no address."""
    found = _NODE.fullmatch(element.strip(" \t"))
    return "" if found is None else found["bracketed"] or found["plain"] or found["ipv6"]


def _forwarded_hop(element: str) -> str:
    """Return the address of the one ``for`` in an element of Forwarded; else no address."""
    pairs = [_PAIR.fullmatch(pair.strip(" \t")) for pair in element.split(";")]
    nodes = [pair["quoted"] or pair["token"] or "" for pair in pairs if pair and pair["name"].lower() == "for"]
    return _hop(nodes[0]) if all(pairs) and len(nodes) == 1 else ""


_NODE: Final = re.compile(
    r"\[(?P<bracketed>[0-9A-Fa-f:.]{2,45})\](?::\d{1,5})?"
    r"|(?P<plain>[0-9.]{7,15})(?::\d{1,5})?"
    r"|(?P<ipv6>[0-9A-Fa-f:.]{2,45})"
)
_PAIR: Final = re.compile(r'(?P<name>[A-Za-z]{1,16})=(?:"(?P<quoted>[^"\\]*)"|(?P<token>[^"\\;,= \t]*))')
