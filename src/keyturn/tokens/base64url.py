"""Base64url without padding, and only its one canonical spelling (RFC 7515 §2, RFC 4648 §3.5 and §5).

Lenient decoders give one byte string many spellings: padding, line breaks, stray bits after the last
byte. Two spellings of one token are two keys of a cache and two rows of a log. Here there is one.
"""

import binascii
from typing import Final

ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def encode(data: bytes) -> str:
    """Return *data* as unpadded base64url text."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode("ascii")


def decode(text: str | bytes) -> bytes:
    """Return the bytes that *text* is the canonical unpadded base64url of.

    Raises:
        ValueError: a character outside the alphabet, an impossible length, or bits after the last byte. The
            message holds nothing of *text*.

    """
    data = text.encode("ascii", "replace") if isinstance(text, str) else text
    tail = len(data) & 3
    if tail and (tail == 1 or data[-1] not in _LAST_CHARACTERS[tail]):
        raise ValueError("not canonical base64url")
    return binascii.a2b_base64(data.translate(_FROM_URL) + _PADDING[tail], strict_mode=True)


_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
# What is outside the alphabet, padding and the other base64's two characters included, becomes a byte that the strict
# decoder refuses: the alphabet is checked and translated in one pass.
_FROM_URL: Final = bytes(
    byte if byte in ALPHABET[:62] else {ord("-"): ord("+"), ord("_"): ord("/")}.get(byte, 0xFF) for byte in range(256)
)
_PADDING: Final = (b"", b"", b"==", b"=")
# By length modulo 4: the characters whose unused low bits (four, two) are zero.
_LAST_CHARACTERS: Final = {2: frozenset(ALPHABET[::16]), 3: frozenset(ALPHABET[::4])}
