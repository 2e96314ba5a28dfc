"""The address a request counts against is never one that a stranger wrote (WEB-13, A47)."""

import pytest

from keyturn.server.reading.client_address import certain_address, client_address, networks

TRUSTED = networks(("10.0.0.0/8", "fd00::/8"))
PROXY = "10.0.0.1"


def address(peer: str = PROXY, *, xff: list[str] | None = None, forwarded: list[str] | None = None) -> str:
    """Return the address of a request with these headers."""
    return client_address(peer, forwarded_for=xff or [], forwarded=forwarded or [], trusted_proxies=TRUSTED)


def test_a_stranger_is_its_own_address() -> None:
    """WEB-13: the headers of a peer that is no trusted proxy are not read."""
    assert address("192.0.2.1", xff=["203.0.113.9"], forwarded=["for=203.0.113.9"]) == "192.0.2.1"


def test_without_trusted_proxies_no_header_counts() -> None:
    """The default trusts nobody."""
    found = client_address("127.0.0.1", forwarded_for=["203.0.113.9"], forwarded=[], trusted_proxies=())

    assert found == "127.0.0.1"


@pytest.mark.parametrize(
    ("xff", "expected"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9, 10.2.3.4"], "203.0.113.9"),
        (["not an address, 203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9:51234"], "203.0.113.9"),
        (["[2001:db8::9]:443"], "2001:db8::9"),
        (["2001:db8::9"], "2001:db8::9"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
    ],
)
def test_the_right_most_untrusted_hop_counts(xff: list[str], expected: str) -> None:
    """A47: all instances of the header are one list, and what a client wrote on the left of it changes nothing."""
    assert address(xff=xff) == expected


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (["for=203.0.113.9"], "203.0.113.9"),
        (["For=198.51.100.1;proto=http, for=203.0.113.9;proto=https;by=10.0.0.1"], "203.0.113.9"),
        (['for="[2001:db8::9]:47011"'], "2001:db8::9"),
        (['for="203.0.113.9:80"'], "203.0.113.9"),
        (['for="', "for=203.0.113.9"], "203.0.113.9"),
    ],
)
def test_the_standard_header_counts_alike(forwarded: list[str], expected: str) -> None:
    """RFC 7239 §4: the same rule for Forwarded."""
    assert address(forwarded=forwarded) == expected


@pytest.mark.parametrize(
    "xff",
    ["", "unknown", "203.0.113.9 198.51.100.1", "203.0.113.999", "fe80::1%eth0", "203.0.113.9,", "_hidden", "[::1"],
)
def test_a_hop_that_can_not_be_read_leaves_the_peer(xff: str) -> None:
    """Where the proxy's own word can't be read, the proxy counts."""
    assert address(xff=[xff]) == PROXY


@pytest.mark.parametrize(
    "forwarded",
    [
        "for=unknown",
        "for=_secret",
        "proto=https",
        "for=203.0.113.9;for=198.51.100.1",
        'host="a, for=203.0.113.9, b"',
        "x",
    ],
)
def test_an_element_that_can_not_be_read_leaves_the_peer(forwarded: str) -> None:
    """Also where somebody smuggled a comma into a quoted string."""
    assert address(forwarded=[forwarded]) == PROXY


def test_beside_the_usual_header_the_standard_one_is_not_read() -> None:
    """A47: a proxy writes one of the two and passes the other on, so a stranger's would cancel the proxy's word."""
    for forwarded in ("for=198.51.100.1", "for=unknown", "for=10.0.0.1", "x", ""):
        assert address(xff=["203.0.113.9"], forwarded=[forwarded]) == "203.0.113.9"
    assert address(xff=["unknown"], forwarded=["for=203.0.113.9"]) == PROXY


def test_an_address_in_doubt_is_not_certain() -> None:
    """WEB-13: it serves to count a request, and to allow nothing."""

    def certain(peer: str = PROXY, xff: tuple[str, ...] = (), forwarded: tuple[str, ...] = ()) -> str:
        return str(certain_address(peer, forwarded_for=xff, forwarded=forwarded, trusted_proxies=TRUSTED))

    assert certain(xff=("unknown",)) == certain(xff=("",)) == certain(forwarded=("x",)) == certain("") == "None"
    assert certain(xff=("203.0.113.9",), forwarded=("x",)) == "203.0.113.9"
    assert certain("192.0.2.1", xff=("unknown",)) == "192.0.2.1"
    assert certain() == PROXY


def test_a_unix_socket_has_no_address() -> None:
    """A peer without an address, such as a Unix socket's, has none."""
    assert address("") == ""


def test_an_ipv4_peer_written_as_ipv6_is_the_ipv4_address() -> None:
    """A47: a dual-stack socket gives nobody a second address."""
    assert address("::ffff:192.0.2.1") == "192.0.2.1"
    assert address("::ffff:10.0.0.1", xff=["203.0.113.9"]) == "203.0.113.9"
