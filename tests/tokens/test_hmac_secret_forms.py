"""What reads as a key of another kind, and what only looks a little like one."""

import base64
from random import Random

import pytest

from keyturn.tokens.hmac_secret import is_another_key

_REST = Random(11).randbytes(64)


@pytest.mark.parametrize(
    "name", [b"ssh-rsa", b"ssh-dss", b"ssh-ed25519", b"ssh-ed448", b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp521"]
)
def test_ver_10_an_ssh_key_in_its_wire_form_is_another_key(name: bytes) -> None:
    """VER-10: RFC 4253 §6.6: the length of the name, and the name; also in base64, as such keys are handed round."""
    wire = len(name).to_bytes(4) + name + _REST
    assert is_another_key(wire)
    assert is_another_key(base64.b64encode(wire))
    assert is_another_key(base64.b64encode(wire).rstrip(b"="))
    assert not is_another_key(b"\0" + len(name).to_bytes(4) + b"x" + name[1:] + _REST)


@pytest.mark.parametrize(
    ("head", "key"),
    [
        (b"\x30\x20\x02", True),  # a SEQUENCE that begins with an INTEGER
        (b"\x30\x20\x30", True),  # with a SEQUENCE
        (b"\x30\x20\x04", False),  # with a text of bytes: no key begins so
        (b"\x31\x20\x02", False),  # a SET
        (b"\x30\x21\x02", False),  # longer than what is there
        (b"\x30\x1f\x02", False),  # shorter, and something follows
    ],
)
def test_ver_10_der_is_told_by_its_first_three_bytes(head: bytes, key: bool) -> None:
    """VER-10: one SEQUENCE that begins as every key does, and nothing before it but blanks."""
    data = head + b"\x91" * 31
    assert is_another_key(data) is key
    assert is_another_key(b" \r\n" + data) is key


def test_ver_10_der_of_eight_bytes_is_the_shortest_that_can_be_a_key() -> None:
    """VER-10: with less there is no room for a number inside of a SEQUENCE inside of another."""
    assert is_another_key(b"\x30\x06\x02" + b"\x91" * 5)
    assert not is_another_key(b"\x30\x05\x02" + b"\x91" * 4)


@pytest.mark.parametrize("octets", [6, 30, 127])
def test_a_der_sequence_of_nothing_is_no_key(octets: int) -> None:
    """Its length may take up all the rest and be zero: then there is no first element to look at."""
    assert not is_another_key(bytes([0x30, 0x80 | octets]) + bytes(octets))
