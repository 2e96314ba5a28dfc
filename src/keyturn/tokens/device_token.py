"""Device tokens: ``ktd_`` and a random device id, a digest of the account, and a MAC. No row is kept.

It says: somebody who knew this account's password has logged in from here before. It never logs anyone in.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from keyturn.tokens.opaque_token import Flaw, Frame, TokenKey

PREFIX: Final = "ktd_"
DEVICE_ID_BYTES: Final = 16
ACCOUNT_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceToken:
    """A genuine device token.

    Attributes:
        device_id: 16 random bytes.
        account: the :func:`account_digest` of the account that logged in.

    """

    device_id: bytes = field(repr=False)
    account: bytes


def issue(token_key: TokenKey, *, device_id: bytes, sub: str) -> str:
    """Return the device token of *device_id* for the account *sub*.

    Raises:
        ValueError: *device_id* is not 16 bytes.

    """
    if len(device_id) != DEVICE_ID_BYTES:
        raise ValueError("a device id has 16 bytes")
    return _FRAME.seal(token_key, device_id + account_digest(sub))


def parse(text: str | None, token_keys: Mapping[bytes, TokenKey]) -> DeviceToken | None:
    """Return the device token in *text*, or None: a bad one, or none at all, is only a device we don't know."""
    opened = _FRAME.open(text, token_keys)
    if isinstance(opened, Flaw):
        return None
    return DeviceToken(device_id=opened.body[:DEVICE_ID_BYTES], account=opened.body[DEVICE_ID_BYTES:])


def belongs_to(device: DeviceToken, sub: str) -> bool:
    """Say whether *device* is one of the account *sub*, in constant time."""
    return hmac.compare_digest(device.account, account_digest(sub))


def account_digest(sub: str) -> bytes:
    """Return the 16 bytes that stand for the account *sub* in a device token."""
    return hashlib.sha256(b"keyturn device account\0" + sub.encode()).digest()[:ACCOUNT_BYTES]


_FRAME: Final = Frame(prefix=PREFIX, label=b"keyturn device token\0", body_bytes=DEVICE_ID_BYTES + ACCOUNT_BYTES)
