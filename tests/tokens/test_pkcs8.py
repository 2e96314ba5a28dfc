import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from keyturn.errors import InvalidKey
from keyturn.tokens import pkcs8


def test_a_key_comes_back() -> None:
    """What dump writes, load reads."""
    private = ec.generate_private_key(ec.SECP256R1())
    assert pkcs8.dump(pkcs8.load(pkcs8.dump(private))) == pkcs8.dump(private)


def test_what_is_no_key_is_an_invalid_key_without_a_cause() -> None:
    """A broken, foreign or encrypted key is an InvalidKey, and the library's words, which may quote it, end there."""
    private = ec.generate_private_key(ec.SECP256R1())
    encrypted = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"a passphrase"))
    for data in (b"", b"\x30\x00", pkcs8.dump(private)[:-1], encrypted):
        with pytest.raises(InvalidKey) as refused:
            pkcs8.load(data)
        assert refused.value.__cause__ is None
