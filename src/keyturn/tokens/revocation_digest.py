"""What a revocation names, and the digest it is known by: the feed tells nobody who logged out."""

import hashlib
from enum import StrEnum
from typing import Final

DIGEST_BYTES: Final = 16


class RevocationKind(StrEnum):
    """What is revoked."""

    JTI = "jti"
    """One token."""
    SID = "sid"
    """One session's tokens."""
    SUB = "sub"
    """One subject's tokens, up to a cut-off."""
    KID = "kid"
    """What one key has signed."""
    ALL = "all"
    """Every token, up to a cut-off. Its value is the empty string."""


def digest(kind: RevocationKind, value: str) -> bytes:
    """Return the first 16 bytes of SHA-256(kind ‖ 0x00 ‖ value), both UTF-8."""
    return hashlib.sha256(f"{kind.value}\0{value}".encode()).digest()[:DIGEST_BYTES]
