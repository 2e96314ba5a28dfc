"""The keys of one process: what it has before it has read any, and what it tells the world."""

from random import Random

import pytest
from builders import NOW

from keyturn.core.keyring import Keyring, seal
from keyturn.core.model import KeyState, SigningKeyRecord
from keyturn.errors import TemporarilyUnavailable
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.base64url import encode
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.master_key import parse_master_keys

MASTER_KEYS = parse_master_keys(encode(Random(11).randbytes(32)))


def record_of(key: SigningKey, state: KeyState) -> SigningKeyRecord:
    """Return the record of *key*."""
    sealed = seal(key, MASTER_KEYS, nonce=bytes(12))
    return SigningKeyRecord(
        kid=key.kid, algorithm=key.algorithm, state=state, sealed=sealed, published_at=NOW, activate_at=NOW
    )


def test_before_any_key_was_read_none_signs_and_none_is_published() -> None:
    """It is a 503, not a crash."""
    keyring = Keyring(MASTER_KEYS)
    with pytest.raises(TemporarilyUnavailable):
        keyring.signing_key()
    assert keyring.published() == []
    assert keyring.find("a") is None


def test_a_symmetric_key_verifies_here_and_is_never_published() -> None:
    """KEY-02: whoever could read it in the JWK Set could sign with it."""
    shared, signing = SigningKey.generate(Algorithm.HS256), SigningKey.generate(Algorithm.EdDSA)
    keyring = Keyring(MASTER_KEYS)
    keyring.load([record_of(shared, KeyState.ACTIVE), record_of(signing, KeyState.NEXT)])
    assert [key.kid for key in keyring.published()] == [signing.kid]
    assert keyring.find(shared.kid) is not None
    assert keyring.signing_key().kid == shared.kid
