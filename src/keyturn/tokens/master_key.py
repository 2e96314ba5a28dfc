"""Master keys: one secret outside the database, from which all others here are derived or under which they lie.

HKDF-SHA-256 (RFC 5869) derives one key for each purpose; AES-256-GCM seals the signing keys, with the identity of
their row as associated data, so that no sealed key can be moved to another row.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keyturn.errors import ConfigurationError, InvalidKey
from keyturn.tokens import base64url
from keyturn.tokens.guessing.estimate import is_guessable
from keyturn.tokens.opaque_token import KEY_ID_BYTES, TokenKey

MASTER_KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """One master key. The secret itself is not kept: only what is derived from it.

    Attributes:
        key_id: 4 bytes, public, derived: it says which key, and nothing about it.
        refresh_token_key: for the MAC of refresh tokens.
        device_token_key: for the MAC of device tokens.

    """

    key_id: bytes
    refresh_token_key: TokenKey
    device_token_key: TokenKey
    _cipher: AESGCM = field(repr=False, compare=False)
    _audit_key: bytes = field(repr=False)

    @classmethod
    def from_bytes(cls, secret: bytes) -> Self:
        """Return the master key with this *secret*.

        Raises:
            InvalidKey: *secret* is not 32 bytes, or guessable.

        """
        if len(secret) != MASTER_KEY_BYTES:
            raise InvalidKey("a master key has 32 bytes")
        if is_guessable(secret):
            raise InvalidKey("the master key can be guessed: it has a pattern, is made of words or is a known example")
        key_id = _derive(secret, b"key id", KEY_ID_BYTES)
        return cls(
            key_id=key_id,
            refresh_token_key=TokenKey(key_id=key_id, secret=_derive(secret, b"refresh token")),
            device_token_key=TokenKey(key_id=key_id, secret=_derive(secret, b"device token")),
            _cipher=AESGCM(_derive(secret, b"seal")),
            _audit_key=_derive(secret, b"audit seal"),
        )

    def audit_mac(self, content: bytes) -> bytes:
        """Return the MAC of a seal of the audit log: HMAC-SHA-256 over *content*."""
        return hmac.digest(self._audit_key, content, "sha256")

    def seal(self, plaintext: bytes, *, nonce: bytes, associated_data: bytes) -> bytes:
        """Return *plaintext* sealed: key id, nonce, ciphertext and tag.

        Args:
            plaintext: the secret.
            nonce: 12 random bytes, never used before with this key.
            associated_data: the identity of the place where it will lie.

        Raises:
            ValueError: *nonce* is not 12 bytes.

        """
        if len(nonce) != NONCE_BYTES:
            raise ValueError("a nonce has 12 bytes")
        return self.key_id + nonce + self._cipher.encrypt(nonce, plaintext, associated_data)

    def unseal(self, sealed: bytes, *, associated_data: bytes) -> bytes:
        """Return what :meth:`seal` was given.

        Raises:
            InvalidKey: another key sealed it, for another place, or it was changed.

        """
        key_id, nonce, ciphertext = _split(sealed)
        if key_id != self.key_id or len(nonce) != NONCE_BYTES:
            raise InvalidKey("sealed by another master key, or cut off")
        try:
            return self._cipher.decrypt(nonce, ciphertext, associated_data)
        except InvalidTag:
            raise InvalidKey("sealed for another place, or changed") from None


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """The master keys in use, the current one first; the others only open what they once closed.

    Raises:
        ConfigurationError: there is none, or one of them twice.

    """

    keys: tuple[MasterKey, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise ConfigurationError(f"keys.master_key: give at least one key. {_MEND}")
        if len({key.key_id for key in self.keys}) != len(self.keys):
            raise ConfigurationError("keys.master_key: one key is in the list twice. Remove one of the two.")

    @property
    def current(self) -> MasterKey:
        """The key that seals and signs now."""
        return self.keys[0]

    @property
    def refresh_token_keys(self) -> Mapping[bytes, TokenKey]:
        """Each key id's key for refresh tokens."""
        return MappingProxyType({key.key_id: key.refresh_token_key for key in self.keys})

    @property
    def device_token_keys(self) -> Mapping[bytes, TokenKey]:
        """Each key id's key for device tokens."""
        return MappingProxyType({key.key_id: key.device_token_key for key in self.keys})

    def find(self, key_id: bytes) -> MasterKey | None:
        """Return the key of this id, or None."""
        return next((key for key in self.keys if key.key_id == key_id), None)

    def unseal(self, sealed: bytes, *, associated_data: bytes) -> bytes:
        """Return what one of the keys has sealed.

        Raises:
            InvalidKey: none of them has, or for another place.

        """
        key = self.find(sealed[:KEY_ID_BYTES])
        if key is None:
            raise InvalidKey("sealed by an unknown master key")
        return key.unseal(sealed, associated_data=associated_data)


def parse_master_keys(text: str) -> MasterKeys:
    """Return the master keys in the setting ``keys.master_key``: comma-separated, 32 bytes of base64url each.

    Raises:
        ConfigurationError: one is malformed, guessable or repeated. The message names the setting, not the value.

    """
    return MasterKeys(tuple(_parse_one(part.strip()) for part in text.split(",")))


def _parse_one(text: str) -> MasterKey:
    try:
        return MasterKey.from_bytes(base64url.decode(text))
    except InvalidKey as error:
        raise ConfigurationError(f"keys.master_key: {error.reason}. {_MEND}") from None
    except ValueError:
        raise ConfigurationError(f"keys.master_key: not unpadded base64url. {_MEND}") from None


def _derive(secret: bytes, purpose: bytes, length: int = 32) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=b"keyturn 1 " + purpose).derive(secret)


def _split(sealed: bytes) -> tuple[bytes, bytes, bytes]:
    start = KEY_ID_BYTES + NONCE_BYTES
    return sealed[:KEY_ID_BYTES], sealed[KEY_ID_BYTES:start], sealed[start:]


_MEND: Final = "It is 32 random bytes as unpadded base64url; `keyturn init` makes one."
