"""What counts as one address: a whole IPv4 address, an IPv6 /64 and, at ten times the rate, the /48.

An IPv4 address written as IPv6 (``::ffff:192.0.2.1``) is the IPv4 address.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from keyturn.core.ratelimit import Rate, Reservation

Address = IPv4Address | IPv6Address


def reservations(purpose: str, address: str, rate: Rate) -> tuple[Reservation, ...]:
    """Return what one request from *address* draws on.

    Args:
        purpose: what is limited; limits of different purposes do not share a counter.
        address: the peer, as text; anything that is no IP address (a Unix socket's peer) shares one counter.
        rate: the rate of one address.

    """
    peer = parse_address(address)
    if peer is None:
        return (Reservation(key=f"{purpose}:unknown", rate=rate),)
    if isinstance(peer, IPv4Address):
        return (Reservation(key=f"{purpose}:{peer}", rate=rate),)
    wide = Reservation(key=f"{purpose}:{_network(peer, 48)}", rate=rate.times(10))
    return (Reservation(key=f"{purpose}:{_network(peer, 64)}", rate=rate), wide)


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return the network a session remembers: the IPv4 /24 or the IPv6 /48, or an empty text."""
    peer = parse_address(address)
    if peer is None:
        return ""
    return _network(peer, 24 if isinstance(peer, IPv4Address) else 48)


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """Return the IP address that *text* is, or None."""
    try:
        peer = ip_address(text)
    except ValueError:
        return None
    if isinstance(peer, IPv6Address) and peer.ipv4_mapped is not None:
        return peer.ipv4_mapped
    return peer


def _network(peer: Address, bits: int) -> str:
    without_zone = str(peer).partition("%")[0]
    return str(ip_network(f"{without_zone}/{bits}", strict=False))
