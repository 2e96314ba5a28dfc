"""The issuer's key, in each form that people have it in."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from keyturn.attack.keyfile import read_signer
from keyturn.errors import ConfigurationError
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import VerificationKey

RSA_KEY = rsa.generate_private_key(65537, 2048)
X25519_PEM = x25519.X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
KEYS = {
    "RS256": (RSA_KEY, RSAAlgorithm),
    "ES256": (ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
    "ES384": (ec.generate_private_key(ec.SECP384R1()), ECAlgorithm),
    "ES512": (ec.generate_private_key(ec.SECP521R1()), ECAlgorithm),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate(), OKPAlgorithm),
}


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, "jwk"])
def test_a_key_signs_what_its_public_half_verifies(algorithm: str, form: object) -> None:
    """PEM of either kind, or a private JWK; the usual algorithm of its kind unless one is named."""
    key, family = KEYS[algorithm]
    if form == PrivateFormat.TraditionalOpenSSL and algorithm == "EdDSA":
        form = PrivateFormat.PKCS8
    data = family.to_jwk(key).encode() if form == "jwk" else key.private_bytes(Encoding.PEM, form, NoEncryption())
    signer = read_signer(data, kid="the-key")
    assert (signer.algorithm, signer.kid) == (algorithm, "the-key")
    assert signer.public is not None
    assert VerificationKey.from_jwk(signer.public).verify(b"x", signer.sign(b"x"))
    assert "BEGIN" not in repr(signer)


def test_a_key_for_several_algorithms_takes_the_named_one() -> None:
    """As the handed token says."""
    pem = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert read_signer(pem, algorithm="PS512").algorithm == Algorithm.PS512


def test_a_secret_is_taken_however_weak_it_is() -> None:
    """It is the target's choice, and what is looked for."""
    signer = read_signer(b'{"kty": "oct", "k": "eA", "kid": "k1"}')
    assert (signer.algorithm, signer.kid, signer.public) == ("HS256", "k1", None)
    assert len(signer.sign(b"x")) == 32


@pytest.mark.parametrize(
    ("data", "algorithm"),
    [
        (b"", None),
        (b"garbage", None),
        (b"[]", None),
        (b"{}", None),
        (b'{"kty": "oct"}', None),
        (b'{"kty": "EC", "crv": "P-256", "d": "!"}', None),
        (b'{"kty": "unheard"}', None),
        (b'{"kty": "oct", "k": "eA"}', "RS256"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", None),
        (RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")), None),
        (RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "ES256"),
        (RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "unheard"),
        (json.dumps({"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB"}).encode(), None),
        (X25519_PEM, None),
    ],
)
def test_what_is_no_key_is_refused_without_its_text(data: bytes, algorithm: str | None) -> None:
    """Usage, exit code 2."""
    with pytest.raises(ConfigurationError) as refusal:
        read_signer(data, algorithm=algorithm)
    assert "--key" in str(refusal.value)
    assert refusal.value.__cause__ is None
