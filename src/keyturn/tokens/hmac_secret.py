"""Which bytes may be an HMAC secret: long enough, not guessable, and not the text of some other key.

A public key that becomes an HMAC secret lets everybody sign (RFC 8725 §2.1). So whatever reads as PEM, SSH,
DER, X.509 or a JWK is refused, also behind blanks, a byte order mark, UTF-16 or one more base64.
"""

import binascii
from typing import Final

from keyturn.errors import InvalidKey
from keyturn.tokens.guessing.estimate import is_guessable


def check(secret: bytes, *, min_length: int) -> None:
    """Refuse *secret* unless it is fit to sign.

    Args:
        secret: the key's bytes.
        min_length: in bytes, the output length of the hash (RFC 7518 §3.2).

    Raises:
        InvalidKey: it is short, guessable or a key of another kind.

    """
    if len(secret) < min_length:
        raise InvalidKey("the secret is shorter than its hash")
    if is_another_key(secret):
        raise InvalidKey("the secret is the text of another kind of key")
    if is_guessable(secret):
        raise InvalidKey("the secret can be guessed: it has a pattern, is made of words or is a known example")


def is_another_key(secret: bytes) -> bool:
    """Say whether *secret* reads as PEM, SSH, DER, X.509, a JWK or a JWK Set."""
    text = secret.translate(None, _NOISE)
    return any(map(_reads_as_key, (secret.lstrip(_BLANKS), text, _unwrap_base64(text))))


def _reads_as_key(data: bytes) -> bool:
    if any(mark in data for mark in _MARKS) or data.startswith(_SSH_TYPES):
        return True
    return _is_der_sequence(data) or any(data.startswith(len(name).to_bytes(4) + name) for name in _SSH_NAMES)


def _is_der_sequence(data: bytes) -> bool:
    """Say whether *data* is one ASN.1 SEQUENCE that begins with a SEQUENCE or an INTEGER, as every key does."""
    if len(data) < _DER_MIN or data[0] != _SEQUENCE:
        return False
    length, start = data[1], 2
    if length & 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(data[2:start])
    end = start + length
    return start < end <= len(data) and not data[end:].strip(_BLANKS) and data[start] in {_SEQUENCE, _INTEGER}


def _unwrap_base64(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text.translate(_FROM_URL, b"=") + b"==")  # as much as any length lacks
    except ValueError:
        return b""


_DER_MIN: Final = 8
_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_BLANKS: Final = b" \t\r\n\v\f"
_NOISE: Final = _BLANKS + b"\x00\xef\xbb\xbf\xfe\xff"  # blanks, byte order marks, the zeros of UTF-16 and UTF-32
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_MARKS: Final = (b"-----BEGIN", b"----BEGINSSH2", b'"kty":', b'"keys":')
_SSH_NAMES: Final = (
    *(b"ssh-rsa", b"ssh-dss", b"ssh-ed25519", b"ssh-ed448"),
    *(b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp384", b"ecdsa-sha2-nistp521"),
)
_SSH_TYPES: Final = (b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-", b"PuTTY-User-Key-File")
