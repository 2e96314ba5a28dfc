"""The frame of our opaque tokens: a prefix, then base64url of version, key id, body and HMAC-SHA-256.

A forged one is told by arithmetic alone, before any database is asked.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from keyturn.tokens import base64url

KEY_ID_BYTES: Final = 4
MAC_BYTES: Final = 32
VERSION: Final = b"\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """A key for the MAC of one kind of opaque token.

    Attributes:
        key_id: 4 bytes, public: which master key it was derived from.
        secret: 32 bytes.

    """

    key_id: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One kind of opaque token.

    Attributes:
        prefix: what its text begins with, so that a scanner for leaked secrets knows it.
        label: what its MAC begins with, so that no kind passes for another.
        body_bytes: how long its body is.

    """

    prefix: str
    label: bytes
    body_bytes: int

    def seal(self, token_key: TokenKey, body: bytes) -> str:
        """Return the token around *body*; ValueError if *body* has the wrong length."""
        if len(body) != self.body_bytes:
            raise ValueError("the body has the wrong length")
        content = VERSION + token_key.key_id + body
        return self.prefix + base64url.encode(content + self._mac(token_key, content))

    def open(self, text: str | None, token_keys: Mapping[bytes, TokenKey]) -> "Opened | Flaw":
        """Return key id and body of the token *text*, or what is wrong with it."""
        data = self._decode(text)
        if data is None:
            return Flaw.MALFORMED
        content, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
        key_id = content[1 : 1 + KEY_ID_BYTES]
        token_key = token_keys.get(key_id)
        if token_key is None:
            return Flaw.UNKNOWN_KEY
        if not hmac.compare_digest(mac, self._mac(token_key, content)):
            return Flaw.FORGED
        return Opened(key_id=key_id, body=content[1 + KEY_ID_BYTES :])

    def _decode(self, text: object) -> bytes | None:
        size = 1 + KEY_ID_BYTES + self.body_bytes + MAC_BYTES
        if not isinstance(text, str) or len(text) != len(self.prefix) + (size * 4 + 2) // 3:
            return None
        try:
            data = base64url.decode(text.removeprefix(self.prefix))
        except ValueError:
            return None
        return data if len(data) == size and data.startswith(VERSION) else None

    def _mac(self, token_key: TokenKey, content: bytes) -> bytes:
        keyed = _keyed(token_key.secret, self.label).copy()
        keyed.update(content)
        return keyed.digest()


@lru_cache(maxsize=64)
def _keyed(secret: bytes, label: bytes) -> hmac.HMAC:
    """Return the MAC begun with *label*: keying it anew costs as much as the rest, and lets go of the GIL."""
    return hmac.new(secret, label, "sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a genuine token holds.

    Attributes:
        key_id: of the key its MAC was made with.
        body: the bytes inside.

    """

    key_id: bytes
    body: bytes = field(repr=False)


class Flaw(StrEnum):
    """What is wrong with an opaque token; for the audit log only."""

    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    FORGED = "forged"
