import hashlib
import os
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keyturn.errors import ConfigurationError, InvalidKey
from keyturn.tokens import base64url, refresh_token
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.master_key import MasterKey, MasterKeys, parse_master_keys

_FIRST = Random(1).randbytes(32)
_SECOND = Random(2).randbytes(32)
_NONCE = bytes(12)


@pytest.fixture
def master() -> MasterKey:
    """A master key."""
    return MasterKey.from_bytes(_FIRST)


def test_key_10_a_signing_key_comes_back_only_to_its_own_row(master: MasterKey) -> None:
    """KEY-10: sealed bytes hold nothing readable, open for the same key and row, and for no other."""
    secret = SigningKey.generate(Algorithm.ES256).to_bytes()
    sealed = master.seal(secret, nonce=_NONCE, associated_data=b"kid-1")
    assert master.unseal(sealed, associated_data=b"kid-1") == secret
    assert secret[40:60] not in sealed
    with pytest.raises(InvalidKey):
        master.unseal(sealed, associated_data=b"kid-2")
    with pytest.raises(InvalidKey):
        MasterKey.from_bytes(_SECOND).unseal(sealed, associated_data=b"kid-1")


def test_key_10_a_changed_byte_is_noticed(master: MasterKey) -> None:
    """KEY-10: any changed, missing or added byte is an InvalidKey."""
    sealed = master.seal(b"secret", nonce=_NONCE, associated_data=b"row")
    changed = [sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :] for i in range(len(sealed))]
    for data in (*changed, *(sealed[:size] for size in range(len(sealed))), sealed + b"\0"):
        with pytest.raises(InvalidKey):
            master.unseal(data, associated_data=b"row")
        with pytest.raises(InvalidKey):
            MasterKeys((master,)).unseal(data, associated_data=b"row")


def test_each_purpose_has_its_own_key(master: MasterKey) -> None:
    """Key id, refresh tokens, devices and sealing draw on HKDF-SHA-256 with a label each (contract §8)."""
    derived = {label: _hkdf(_FIRST, label) for label in (b"refresh token", b"device token", b"seal", b"key id")}
    assert len(set(derived.values())) == 4
    assert master.refresh_token_key.secret == derived[b"refresh token"]
    assert master.device_token_key.secret == derived[b"device token"]
    assert master.key_id == derived[b"key id"][:4]
    assert master.key_id == master.refresh_token_key.key_id == master.device_token_key.key_id


def test_ver_30_a_master_key_shows_nothing_secret(master: MasterKey) -> None:
    """VER-30: the repr holds key ids alone."""
    key = f"TokenKey(key_id={master.key_id!r})"
    shown = f"MasterKey(key_id={master.key_id!r}, refresh_token_key={key}, device_token_key={key})"
    assert repr(master) == shown


def test_a_master_key_read_twice_is_one_key(master: MasterKey) -> None:
    """Two of one secret are equal, two of different secrets are not."""
    assert MasterKey.from_bytes(_FIRST) == master
    assert MasterKey.from_bytes(_SECOND) != master


def test_master_keys_rotate_as_a_list() -> None:
    """The first key is current; the others still open what they closed, tokens and sealed keys alike."""
    text = f"{base64url.encode(_SECOND)}, {base64url.encode(_FIRST)}\n"
    keys = parse_master_keys(text)
    old = MasterKey.from_bytes(_FIRST)
    token = refresh_token.issue(old.refresh_token_key, handle=bytes(16), generation=3)
    sealed = old.seal(b"secret", nonce=_NONCE, associated_data=b"row")
    assert keys.current.key_id == MasterKey.from_bytes(_SECOND).key_id
    assert refresh_token.parse(token, keys.refresh_token_keys).generation == 3
    assert keys.unseal(sealed, associated_data=b"row") == b"secret"
    assert list(keys.device_token_keys) == list(keys.refresh_token_keys) == [key.key_id for key in keys.keys]
    assert keys.find(b"none") is None
    found = keys.find(old.key_id)
    assert found is not None
    assert found.key_id == old.key_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "short",
        base64url.encode(_FIRST) + "=",
        base64url.encode(_FIRST) + ",",
        base64url.encode(_FIRST[:31]),
        base64url.encode(_FIRST + b"x"),
        _FIRST.hex(),
        base64url.encode(bytes(32)),
        base64url.encode(b"ab" * 16),
        base64url.encode(b"0123456789abcdef" * 2),
        base64url.encode(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
        base64url.encode(b"correct-horse-battery-staple-key"),
        base64url.encode(hashlib.sha256(b"changeme").digest()),
        base64url.encode(bytes(range(32))),
        f"{base64url.encode(_FIRST)},{base64url.encode(b'secret'.ljust(32, b'!'))}",
        "thisIsMySuperSecretMasterKeyForProductionAA",
        "A" * 43,
        f"{base64url.encode(_FIRST)},{base64url.encode(_FIRST)}",
        "é" * 43,
    ],
)
def test_key_10_an_unusable_master_key_stops_the_start(text: str) -> None:
    """KEY-10, VER-30: the message names the setting and the mend, and never the value."""
    with pytest.raises(ConfigurationError, match=r"^keys\.master_key: ") as refused:
        parse_master_keys(text)
    for part in text.split(","):
        assert not part or part not in str(refused.value)


def test_random_master_keys_are_taken() -> None:
    """What `keyturn init` makes always passes, and each has an id of its own."""
    ids = {parse_master_keys(base64url.encode(os.urandom(32))).current.key_id for _ in range(200)}
    assert len(ids) == 200


@pytest.mark.parametrize("nonce", [b"", bytes(11), bytes(13), bytes(16)])
def test_a_nonce_has_twelve_bytes(nonce: bytes, master: MasterKey) -> None:
    """A nonce of another length is a ValueError, before anything is sealed."""
    with pytest.raises(ValueError, match="12 bytes"):
        master.seal(b"secret", nonce=nonce, associated_data=b"row")


def test_there_is_always_a_current_key() -> None:
    """A list without keys is a configuration error."""
    with pytest.raises(ConfigurationError):
        MasterKeys(())


def _hkdf(secret: bytes, label: bytes) -> Any:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"keyturn 1 " + label).derive(secret)
