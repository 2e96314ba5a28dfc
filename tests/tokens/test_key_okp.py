import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keyturn.errors import InvalidKey
from keyturn.tokens import base64url, edwards25519
from keyturn.tokens.keys import VerificationKey


def test_ver_20_an_ed25519_key_has_32_octets() -> None:
    """VER-20: fewer or more octets are no key, even where they write the number of a sound point."""
    short = next(y for y in range(2**240, 2**241) if edwards25519.is_sound(y.to_bytes(31, "little")))
    whole = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for x in (short.to_bytes(31, "little"), whole + b"\0", b"", b"\x02"):
        with pytest.raises(InvalidKey):
            VerificationKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": base64url.encode(x)})
