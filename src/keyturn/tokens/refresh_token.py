"""Refresh tokens: ``ktr_`` and a handle, a generation and a MAC. No row is kept per token.

The handle is 128 random bits that find the session; the generation counts its rotations. The MAC proves that we
issued just this pair, so the store is asked about genuine tokens only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from keyturn.errors import InvalidGrant
from keyturn.tokens.opaque_token import Flaw, Frame, TokenKey

PREFIX: Final = "ktr_"
HANDLE_BYTES: Final = 16
MAX_GENERATION: Final = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A genuine refresh token.

    Attributes:
        key_id: 4 bytes: the master key its MAC was made with.
        handle: 16 bytes that find the session.
        generation: how many rotations it is after login, from 0.

    """

    key_id: bytes
    handle: bytes = field(repr=False)
    generation: int


def issue(token_key: TokenKey, *, handle: bytes, generation: int) -> str:
    """Return the refresh token, 80 characters.

    Raises:
        ValueError: *handle* is not 16 bytes, or *generation* is not from 0 to 2**32 - 1.

    """
    if len(handle) != HANDLE_BYTES:
        raise ValueError("a handle has 16 bytes")
    if not 0 <= generation <= MAX_GENERATION:
        raise ValueError("a generation has 4 bytes")
    return _FRAME.seal(token_key, handle + generation.to_bytes(_GENERATION_BYTES))


def parse(text: str, token_keys: Mapping[bytes, TokenKey]) -> RefreshToken:
    """Return the refresh token in *text*, if one of *token_keys* made it.

    Raises:
        InvalidGrant: it is not; ``reason`` is ``malformed``, ``unknown_key`` or ``forged``.

    """
    opened = _FRAME.open(text, token_keys)
    if isinstance(opened, Flaw):
        raise InvalidGrant(opened.value)
    handle, generation = opened.body[:HANDLE_BYTES], opened.body[HANDLE_BYTES:]
    return RefreshToken(key_id=opened.key_id, handle=handle, generation=int.from_bytes(generation))


_GENERATION_BYTES: Final = 4
_FRAME: Final = Frame(prefix=PREFIX, label=b"keyturn refresh token\0", body_bytes=HANDLE_BYTES + _GENERATION_BYTES)
