"""Texts that are no token, in the ways over which readers stumble before they look at a signature. Pure."""

from collections.abc import Iterator
from typing import Final

from keyturn.tokens import base64url


def malformed() -> Iterator[tuple[str, str]]:
    """Return each text with what is special about it."""
    yield from _SHAPES
    for variant, header in _HEADERS:
        yield f"a header that is {variant}", _join(header, b"{}")
    yield "claims that are a list", _join(b'{"alg":"ES256"}', b"[]")


def _join(header: bytes, claims: bytes) -> str:
    return ".".join(map(base64url.encode, (header, claims, bytes(64))))


#: Deeper than what reads JSON by calling itself can follow, and still within the 8 KB that servers take of a header.
_DEPTH: Final = 2500

#: More digits than Python makes a number of (CVE-2020-10735).
_DIGITS: Final = 5000

_SHAPES: Final = (
    ("dots alone", ".."),
    ("one dot", "e30.e30"),
    ("five segments", "e30.e30.e30.e30.e30"),
    ("a segment of one letter", "e.e.e"),
)

_HEADERS: Final = (
    ("a list", b"[]"),
    ("null", b"null"),
    ("a number", b"1"),
    ("a text", b'"x"'),
    ("empty", b""),
    ("no UTF-8", b'{"alg":"\xff"}'),
    ("nested deeply", b"[" * _DEPTH + b"]" * _DEPTH),
    ("a number without an end", b"1" * _DIGITS),
    ("an object of strange members", b'{"alg":{},"typ":[],"kid":{}}'),
)
