import base64
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from keyturn.errors import InvalidKey
from keyturn.tokens import base64url, hmac_secret
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey, VerificationKey
from keyturn.verify.verifier import Verifier

_SPKI = PublicFormat.SubjectPublicKeyInfo
_MAKERS: dict[str, Callable[[], Any]] = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.fixture(scope="module", params=_MAKERS)
def encodings(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """One key in every form in which a public key was ever taken for a secret."""
    private = _MAKERS[request.param]()
    public = private.public_key()
    forms = {
        "PEM": public.public_bytes(Encoding.PEM, _SPKI),
        "DER": public.public_bytes(Encoding.DER, _SPKI),
        "SSH": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "PKCS #8": private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "PKCS #8 DER": private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        "X.509": _certificate(private).public_bytes(Encoding.PEM),
        "X.509 DER": _certificate(private).public_bytes(Encoding.DER),
        "JWK": json.dumps({"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}).encode(),
        "JWK Set": json.dumps({"keys": [{"kty": "RSA", "n": "A" * 43, "e": "AQAB"}]}).encode(),
    }
    if request.param == "rsa":
        forms["PKCS #1"] = public.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
        forms["PKCS #1 DER"] = public.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return forms


def test_ver_10_no_form_of_a_key_becomes_a_secret(encodings: dict[str, bytes]) -> None:
    """VER-10, A02: PEM, DER, SSH, X.509, PKCS #1, JWK and JWK Set are refused as HMAC secrets."""
    for form in encodings.values():
        with pytest.raises(InvalidKey):
            SigningKey.from_secret(Algorithm.HS256, form)


@pytest.mark.parametrize(
    "disguise",
    [
        bytes.strip,
        lambda form: b" \n\t" + form + b"\r\n",
        lambda form: b"\xef\xbb\xbf" + form,
        lambda form: b"\xff\xfe" + form.decode("latin-1").encode("utf-16-le"),
        lambda form: form.decode("latin-1").encode("utf-32-be"),
        lambda form: form.replace(b"\n", b"\r\n"),
    ],
)
def test_ver_10_a_disguise_does_not_help(disguise: Callable[[bytes], bytes], encodings: dict[str, bytes]) -> None:
    """VER-10, A02: blanks, a byte order mark, other line ends and UTF-16 or UTF-32 around a text change nothing."""
    for name, form in encodings.items():
        if "DER" not in name:
            assert hmac_secret.is_another_key(disguise(form)), name


def test_ver_10_a_key_in_one_more_base64_is_refused(encodings: dict[str, bytes]) -> None:
    """VER-10: the body of a PEM without its frame, in either base64, is refused."""
    for name, form in encodings.items():
        if "DER" in name:
            assert hmac_secret.is_another_key(base64.b64encode(form)), name
            assert hmac_secret.is_another_key(base64.urlsafe_b64encode(form).rstrip(b"=")), name
            assert hmac_secret.is_another_key(base64.encodebytes(form)), name
            assert hmac_secret.is_another_key(b"\n" + form + b" \r\n"), name
        assert hmac_secret.is_another_key(base64.b64encode(form)), name


@pytest.mark.parametrize(
    "secret",
    [
        bytes(32),
        b"a" * 64,
        b"ab" * 32,
        b"0123456789abcdef" * 2,
        b"secret" * 6,
        b"secret" * 6 + b"se",
        b"aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb",
        b"00000000000000000000000000000001",
        b"my-super-secret-signing-key-2026",
    ],
)
def test_ver_21_a_guessable_secret_is_refused(secret: bytes) -> None:
    """VER-21, A13: repeated patterns, few or similar bytes and words are no secret, as bytes and as a JWK."""
    with pytest.raises(InvalidKey) as refused:
        SigningKey.from_secret(Algorithm.HS256, secret)
    assert "guessed" in refused.value.reason
    assert secret.decode() not in f"{refused.value} {refused.value.reason}"
    with pytest.raises(InvalidKey):
        VerificationKey.from_jwk({"kty": "oct", "alg": "HS256", "kid": "shared", "k": base64url.encode(secret)})


def test_ver_21_a_verifier_takes_no_guessable_secret() -> None:
    """VER-21, A13: the constructor stops, and what it says names neither the secret nor a part of it."""
    jwk = {"kty": "oct", "alg": "HS256", "kid": "shared", "k": base64url.encode(b"my-super-secret-signing-key-2026")}
    with pytest.raises(InvalidKey) as refused:
        Verifier("https://a.test", "https://b.test", algorithms=["HS256"], jwks={"keys": [jwk]})
    assert "secret-signing" not in f"{refused.value} {refused.value.reason}"
    assert jwk["k"] not in f"{refused.value} {refused.value.reason}"


def test_ver_21_random_secrets_are_taken() -> None:
    """VER-21: random bytes pass, also where they are written in hexadecimal or base64."""
    source = random.Random(1)
    for _ in range(50):
        secret = source.randbytes(32)
        for form in (secret, secret.hex().encode(), base64.b64encode(secret), secret[:16].hex().encode()):
            hmac_secret.check(form, min_length=32)


def _certificate(private: Any) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "auth.example.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    now = datetime(2026, 1, 1, tzinfo=UTC)
    dated = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    algorithm = None if isinstance(private, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return dated.sign(private, algorithm)
