"""What a secret may stand for: the same bytes read as hexadecimal, base64, UTF-16 and so on, one over another.

A word does not get harder to guess by an encoding, since whoever guesses tries the encodings too.
"""

import binascii
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from keyturn.tokens.guessing.literals import is_text

MOST_BYTES: Final = 1024
"""Bytes of a secret that are looked at: if so many are hard to guess, all of it is."""

_DEEPEST: Final = 3
_MOST: Final = 24


def readings(secret: bytes) -> Iterator[bytes]:
    """Yield *secret*, and whatever it stands for by up to three encodings, one over another."""
    found = [secret[:MOST_BYTES]]
    layer = found
    for _ in range(_DEEPEST + 1):
        yield from layer
        layer = [each for each in dict.fromkeys(_decoded(layer)) if each and each not in found]
        found = [*found, *layer]
        if len(found) > _MOST:
            return


def _decoded(layer: list[bytes]) -> Iterator[bytes]:
    for data in layer:
        for decode in _DECODERS:
            result = decode(data)
            if result is not None:
                yield result


def _from_wide(data: bytes) -> bytes | None:
    """Read UTF-16 and UTF-32: the zeros between the letters go, and the byte order mark."""
    return data.translate(None, b"\x00\xfe\xff") if data.count(0) >= len(data) // 3 else None


def _from_padding(data: bytes) -> bytes | None:
    """Read what one byte, over and over, fills up at either end."""
    inner = data.strip(data[-1:]) if data[-2:-1] == data[-1:] else data.lstrip(data[:1])
    return inner if len(data) - len(inner) >= _SHORTEST_PADDING else None


def _from_utf_8(data: bytes) -> bytes | None:
    """Read letters with marks as those without. A letter beyond ASCII counts nothing: no generator writes any.

    Of sixteen random bytes one in some 100,000 is UTF-8, of twenty one in ten million.
    """
    if data.isascii() or len(data) < _SHORTEST_UTF_8:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore")
    return plain if is_text(plain) else None


def _from_wrapping(data: bytes) -> bytes | None:
    """Read what quotes and brackets are around. Only of text: random bytes may begin with some."""
    if not is_text(data.strip()):
        return None
    inner = _WRAPPING.fullmatch(data)
    return inner[1] if inner and inner[1] != data else None


def _from_escapes(data: bytes) -> bytes | None:
    r"""Read ``%41``, ``\x41`` and ``\u0041``."""
    if not _ESCAPE.search(data):
        return None
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), data)


def _from_hex(data: bytes) -> bytes | None:
    digits = data.translate(None, b"-:_ ")
    if len(digits) < _SHORTEST or len(digits) % 2 or not _HEX.fullmatch(digits):
        return None
    return bytes.fromhex(digits.decode("ascii"))


def _from_base64(data: bytes) -> bytes | None:
    text = data.translate(_FROM_URL, b" \r\n").rstrip(b"=")
    if len(text) < _SHORTEST or not _BASE64.fullmatch(text):
        return None
    return binascii.a2b_base64(text[: len(text) // 4 * 4] + _tail(text))


def _tail(text: bytes) -> bytes:
    rest = text[len(text) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _from_base32(data: bytes) -> bytes | None:
    text = data.rstrip(b"=")
    upper = text.upper()
    if len(text) < _SHORTEST or not (text.isupper() or text.islower()) or not _BASE32.fullmatch(upper):
        return None
    number = 0
    for letter in upper:
        number = number << 5 | _BASE32_ALPHABET.index(letter)
    return (number >> len(text) * 5 % 8).to_bytes(len(text) * 5 // 8)


def _from_json(data: bytes) -> bytes | None:
    """Read the header and the claims of a token."""
    first, dot, rest = data.partition(b".")
    second = rest.partition(b".")[0]
    if not dot or not data.startswith(b"eyJ"):
        return None
    return (_from_base64(first) or b"") + (_from_base64(second) or b"")


_SHORTEST: Final = 16
_SHORTEST_UTF_8: Final = 20
_SHORTEST_PADDING: Final = 4
_WRAPPING: Final = re.compile(rb"(?s)[\s\"'`<{(\[]*(?:0x|0X|\\x|hex:|base64:)?(.*?)[\s\"'`>})\]]*(?:\\[rn])*")
_ESCAPE: Final = re.compile(rb"(?:%|\\x|\\u00)([0-9a-fA-F]{2})")
_HEX: Final = re.compile(rb"[0-9a-fA-F]+")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]+")
_BASE32: Final = re.compile(rb"[A-Z2-7]+")
_BASE32_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_DECODERS: Final[tuple[Callable[[bytes], bytes | None], ...]] = (
    *(_from_wide, _from_padding, _from_utf_8, _from_wrapping, _from_escapes),
    *(_from_hex, _from_base64, _from_base32, _from_json),
)
