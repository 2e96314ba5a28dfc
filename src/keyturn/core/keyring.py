"""The signing keys of this process, unsealed: which one signs, which ones verify, which ones are published.

The set is replaced as a whole, so that a reader never sees half a rotation.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from keyturn.core.model import KeyState, SigningKeyRecord
from keyturn.errors import TemporarilyUnavailable
from keyturn.tokens.algorithms import SYMMETRIC, Algorithm
from keyturn.tokens.keys import SigningKey, VerificationKey
from keyturn.tokens.master_key import NONCE_BYTES, MasterKeys
from keyturn.tokens.opaque_token import KEY_ID_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keys:
    active: SigningKey | None = field(default=None, repr=False)
    verifying: Mapping[str, VerificationKey] = field(default_factory=dict)
    records: tuple[SigningKeyRecord, ...] = ()


class Keyring:
    """Signing keys by ``kid``."""

    def __init__(self, master_keys: MasterKeys) -> None:
        self._master_keys = master_keys
        self._keys = _Keys()
        self._unsealed: dict[str, SigningKey] = {}

    def load(self, records: Sequence[SigningKeyRecord]) -> None:
        """Replace the keys by *records*.

        Raises:
            InvalidKey: a record was sealed with a master key that is not ours, or was tampered with.

        """
        live = [record for record in records if record.state is not KeyState.REVOKED]
        unsealed = {record.kid: self._unsealed.get(record.kid) or self._unseal(record) for record in live}
        active = next((unsealed[record.kid] for record in live if record.state is KeyState.ACTIVE), None)
        verifying = {kid: key.public for kid, key in unsealed.items()}
        self._unsealed = unsealed
        self._keys = _Keys(active=active, verifying=verifying, records=tuple(records))

    def signing_key(self) -> SigningKey:
        """Return the key that signs now.

        Raises:
            TemporarilyUnavailable: there is none.

        """
        if self._keys.active is None:
            raise TemporarilyUnavailable("no active signing key")
        return self._keys.active

    def find(self, kid: str) -> VerificationKey | None:
        """Return the key of this ``kid`` that tokens may be verified with, else None."""
        return self._keys.verifying.get(kid)

    def published(self) -> list[VerificationKey]:
        """Return what stands in the JWK Set: next, active and retired keys, and never a symmetric one."""
        return [key for key in self._keys.verifying.values() if key.algorithm not in SYMMETRIC]

    def records(self) -> Iterable[SigningKeyRecord]:
        """Return the records as they were loaded."""
        return self._keys.records

    def _unseal(self, record: SigningKeyRecord) -> SigningKey:
        data = self._master_keys.unseal(record.sealed, associated_data=_identity(record.kid, record.algorithm))
        return SigningKey.from_bytes(record.algorithm, data)


def seal(key: SigningKey, master_keys: MasterKeys, *, nonce: bytes) -> bytes:
    """Return *key* sealed under the current master key, bound to its ``kid`` and algorithm."""
    identity = _identity(key.kid, key.algorithm)
    return master_keys.current.seal(key.to_bytes(), nonce=nonce, associated_data=identity)


def reseal(record: SigningKeyRecord, master_keys: MasterKeys, *, randomness: Callable[[int], bytes]) -> bytes:
    """Return the key of *record* sealed under the current master key.

    Raises:
        InvalidKey: the record was sealed with a master key that is not ours, or was tampered with.

    """
    identity = _identity(record.kid, record.algorithm)
    plaintext = master_keys.unseal(record.sealed, associated_data=identity)
    return master_keys.current.seal(plaintext, nonce=randomness(NONCE_BYTES), associated_data=identity)


def master_key_id(record: SigningKeyRecord) -> bytes:
    """Return the id of the master key that *record* is sealed under."""
    return record.sealed[:KEY_ID_BYTES]


def _identity(kid: str, algorithm: Algorithm) -> bytes:
    """Name the row, so that a sealed key moved into another row does not open."""
    return f"{_LABEL}\0{kid}\0{algorithm}".encode()


_LABEL: Final = "keyturn signing key"
