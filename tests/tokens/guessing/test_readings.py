"""What a secret may stand for is found, and the search is bounded."""

import base64
from random import Random

import pytest

from keyturn.tokens.guessing.readings import MOST_BYTES, readings

_WORDS = b"what it stands for"


@pytest.mark.parametrize(
    "secret",
    [
        _WORDS.hex().encode(),
        _WORDS.hex().upper().encode(),
        b"0x" + _WORDS.hex().encode(),
        base64.b64encode(_WORDS),
        base64.urlsafe_b64encode(_WORDS).rstrip(b"="),
        base64.b32encode(_WORDS),
        base64.b32encode(_WORDS).lower().rstrip(b"="),
        base64.b64encode(base64.b64encode(base64.b64encode(_WORDS))),
        _WORDS.decode().encode("utf-16-le"),
        _WORDS.ljust(64, b"\0"),
        b"".join(b"%%%02X" % byte for byte in _WORDS),
        b"".join(b"\\x%02x" % byte for byte in _WORDS),
        "what ït ständs for".encode(),
        b'{"what it stands for"}',
        base64.b64encode(_WORDS) + b"\\n",
    ],
)
def test_an_encoding_is_undone(secret: bytes) -> None:
    """Up to three of them, one over another."""
    assert _WORDS in list(readings(secret))


def test_readings_are_few_and_short() -> None:
    """Whatever a secret is made of, it has some dozens of readings at most, and none is longer than a kilobyte."""
    source = Random(8)
    for secret in (b"%41" * 5000, b"00" * 5000, base64.b64encode(bytes(9000)), source.randbytes(9000), b"=" * 99, b""):
        found = list(readings(secret))
        assert len(found) <= 40
        assert max(map(len, found), default=0) <= MOST_BYTES
