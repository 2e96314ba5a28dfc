from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keyturn.errors import InvalidKey
from keyturn.tokens import base64url
from keyturn.tokens.algorithms import ASYMMETRIC, SYMMETRIC, Algorithm
from keyturn.tokens.jwk import PRIVATE_MEMBERS, from_unsigned, thumbprint
from keyturn.tokens.keys import SigningKey, VerificationKey

KeyFor = Callable[[Algorithm], SigningKey]
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize("algorithm", Algorithm)
def test_what_a_key_signs_its_public_half_verifies(algorithm: Algorithm, key_for: KeyFor) -> None:
    """A signature fits its key and its message, and no other; also after the key was stored and loaded again."""
    key = key_for(algorithm)
    signature = key.sign(b"message")
    again = SigningKey.from_bytes(algorithm, key.to_bytes())
    assert key.public.verify(b"message", signature)
    assert again.public == key.public
    assert len({key, again}) == len({key.public, again.public}) == 1
    assert again.public.verify(b"message", signature)
    assert not key.public.verify(b"massage", signature)
    assert not key.public.verify(b"message", signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not key.public.verify(b"message", b"")
    assert not SigningKey.generate(algorithm).public.verify(b"message", signature)


@pytest.mark.parametrize("algorithm", sorted(ASYMMETRIC))
def test_key_02_a_published_key_has_its_members_and_no_secret(algorithm: Algorithm, key_for: KeyFor) -> None:
    """KEY-02, KEY-01: a JWK has kty, kid, use and alg, its thumbprint as kid, and never a private member."""
    jwk = key_for(algorithm).public.to_jwk()
    assert (jwk["use"], jwk["alg"], jwk["kid"]) == ("sig", algorithm.value, thumbprint(jwk))
    assert not PRIVATE_MEMBERS & jwk.keys()
    assert "k" not in jwk
    assert VerificationKey.from_jwk(jwk) == key_for(algorithm).public
    assert all(type(value) is str for value in jwk.values())


@pytest.mark.parametrize("algorithm", sorted(SYMMETRIC))
def test_key_02_a_symmetric_key_is_never_published(algorithm: Algorithm, key_for: KeyFor) -> None:
    """KEY-02: asking an HMAC key for its JWK is an error."""
    with pytest.raises(InvalidKey):
        key_for(algorithm).public.to_jwk()


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_key_shows_nothing_secret(algorithm: Algorithm, key_for: KeyFor) -> None:
    """VER-30: the repr of a key is its name and its algorithm."""
    key = key_for(algorithm)
    public = f"VerificationKey(kid={key.kid!r}, algorithm={algorithm!r})"
    assert repr(key.public) == public
    assert repr(key) == f"SigningKey(kid={key.kid!r}, algorithm={algorithm!r}, public={public})"


@pytest.mark.parametrize("algorithm", [Algorithm.ES256, Algorithm.ES384, Algorithm.ES512, Algorithm.EdDSA])
def test_key_11_signing_is_deterministic(algorithm: Algorithm, key_for: KeyFor) -> None:
    """KEY-11: one message has one signature (RFC 6979, RFC 8032), so no random source can leak the key."""
    assert key_for(algorithm).sign(b"message") == key_for(algorithm).sign(b"message")


def test_key_11_es256_signs_as_rfc_6979_prints_it() -> None:
    """KEY-11: the vector of RFC 6979 A.2.5, P-256 with SHA-256 and the message "sample"."""
    secret = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    private = ec.derive_private_key(secret, ec.SECP256R1())
    key = SigningKey.from_bytes(Algorithm.ES256, _pkcs8(private))
    assert key.sign(b"sample").hex() == (
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, 0), (0, 1), (1, 0), (_P256_ORDER, _P256_ORDER), (_P256_ORDER, 1), (1, _P256_ORDER), (2**256 - 1, 1)],
)
def test_ver_19_psychic_signatures_are_refused(r: int, s: int, key: SigningKey) -> None:
    """VER-19, A04: r and s are from 1 to n - 1, or the signature is none (CVE-2022-21449)."""
    assert not key.public.verify(b"message", r.to_bytes(32) + s.to_bytes(32))


def test_ver_19_an_es256_signature_has_64_octets(key: SigningKey) -> None:
    """VER-19, A06: shorter, longer, DER and widened forms of a good signature are refused."""
    good = key.sign(b"message")
    r, s = good[:32], good[32:]
    der = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
    wide = r.rjust(48, b"\0") + s.rjust(48, b"\0")
    widest = r.rjust(66, b"\0") + s.rjust(66, b"\0")
    for form in (b"", good[:63], good + b"\0", b"\0" + good, b"\0" + r + b"\0" + s, der, wide, widest, good * 2):
        assert not key.public.verify(b"message", form)


def test_ver_19_a_leading_zero_is_part_of_the_signature(key: SigningKey) -> None:
    """VER-19, A06: a signature whose s begins with a zero octet is refused without it."""
    messages = (str(number).encode() for number in range(100_000))
    message = next(message for message in messages if key.sign(message)[32] == 0)
    good = key.sign(message)
    assert key.public.verify(message, good)
    assert not key.public.verify(message, good[:32] + good[33:])


@pytest.mark.parametrize(("algorithm", "size"), [(Algorithm.ES256, 64), (Algorithm.ES384, 96), (Algorithm.ES512, 132)])
def test_ver_19_ecdsa_signatures_have_one_length(algorithm: Algorithm, size: int, key_for: KeyFor) -> None:
    """VER-19: 64, 96 and 132 octets, whatever the numbers in them."""
    assert {len(key_for(algorithm).sign(bytes([byte]))) for byte in range(32)} == {size}


def test_a05_the_mirrored_signature_verifies(key: SigningKey) -> None:
    """A05: (r, n - s) is a signature too, as ECDSA has it: nothing of ours may tell tokens apart by their signature."""
    good = key.sign(b"message")
    mirrored = good[:32] + (_P256_ORDER - int.from_bytes(good[32:])).to_bytes(32)
    assert mirrored != good
    assert key.public.verify(b"message", mirrored)
    assert decode_dss_signature(encode_dss_signature(1, 2)) == (1, 2)


def test_ver_20_a_curve_fits_its_algorithm(key_for: KeyFor) -> None:
    """VER-20, A07: ES256 with P-384, with a curve of no algorithm, and with keys of other kinds is refused."""
    jwk = key_for(Algorithm.ES384).public.to_jwk()
    for spoilt in ({"alg": "ES256"}, {"alg": "ES256", "crv": "P-256"}, {"crv": "secp256k1"}, {"crv": "P-521"}):
        with pytest.raises(InvalidKey):
            VerificationKey.from_jwk({**jwk, **spoilt})
    for private in (ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256K1())):
        with pytest.raises(InvalidKey):
            SigningKey.from_bytes(Algorithm.ES256, _pkcs8(private))
    for algorithm in Algorithm:
        for other in (Algorithm.ES256, Algorithm.EdDSA, Algorithm.RS256):
            if _kind(algorithm) != _kind(other):
                with pytest.raises(InvalidKey):
                    SigningKey.from_bytes(algorithm, key_for(other).to_bytes())


def test_ver_20_x25519_is_no_signature_key(key_for: KeyFor) -> None:
    """VER-20, A07: a key for key agreement is refused for EdDSA, as JWK and as PKCS #8."""
    jwk = key_for(Algorithm.EdDSA).public.to_jwk()
    with pytest.raises(InvalidKey):
        VerificationKey.from_jwk({**jwk, "crv": "X25519"})
    with pytest.raises(InvalidKey):
        SigningKey.from_bytes(Algorithm.EdDSA, _pkcs8(x25519.X25519PrivateKey.generate()))


def test_ver_20_a_point_is_on_its_curve_and_in_full_length(key: SigningKey) -> None:
    """VER-20: coordinates off the curve, too short, too long, or missing are refused."""
    jwk = key.public.to_jwk()
    x = base64url.decode(jwk["x"])
    for spoilt in (jwk["y"], base64url.encode(x[1:]), base64url.encode(b"\0" + x), base64url.encode(b"\xff" * 32), ""):
        with pytest.raises(InvalidKey):
            VerificationKey.from_jwk({**jwk, "x": spoilt})
    with pytest.raises(InvalidKey):
        VerificationKey.from_jwk({name: value for name, value in jwk.items() if name != "y"})


@pytest.mark.parametrize("e", [1, 2, 3, 17, 65535, 65536, 65538, 2**64 + 1])
def test_ver_20_a_weak_rsa_exponent_is_refused(e: int, key_for: KeyFor) -> None:
    """VER-20, A08: the public exponent is odd and at least 65537."""
    jwk = key_for(Algorithm.RS256).public.to_jwk()
    with pytest.raises(InvalidKey):
        VerificationKey.from_jwk({**jwk, "e": from_unsigned(e)})


def test_ver_20_a_weak_rsa_modulus_is_refused(key_for: KeyFor) -> None:
    """VER-20, A08: the modulus has 2048 to 8192 bits and is odd."""
    jwk = key_for(Algorithm.RS256).public.to_jwk()
    for modulus in (2**1023 + 1, 2**2046 + 1, 2**2047, 2**8192 + 1):
        with pytest.raises(InvalidKey):
            VerificationKey.from_jwk({**jwk, "n": from_unsigned(modulus)})
    with pytest.raises(InvalidKey):
        SigningKey.from_bytes(Algorithm.RS256, _pkcs8(rsa.generate_private_key(65537, 1024)))  # noqa: S505 - the weak key under test


@pytest.mark.parametrize(("algorithm", "length"), [("HS256", 31), ("HS384", 47), ("HS512", 63)])
def test_ver_20_a_secret_is_as_long_as_its_hash(algorithm: str, length: int) -> None:
    """VER-20: a shorter secret is refused, an empty one too."""
    secret = Random(1).randbytes(length)
    for short in (secret, b""):
        with pytest.raises(InvalidKey):
            SigningKey.from_secret(Algorithm(algorithm), short)
    assert SigningKey.from_secret(Algorithm(algorithm), secret + b"\xff").public.algorithm == algorithm


@pytest.mark.parametrize(("algorithm", "length"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_new_secret_is_as_long_as_its_hash(algorithm: str, length: int) -> None:
    """RFC 7518 §3.2: neither shorter nor longer, and no part of it is another part."""
    secret = SigningKey.generate(Algorithm(algorithm)).to_bytes()
    assert len(secret) == length
    assert len({secret[at : at + 8] for at in range(0, length, 8)}) == length // 8


def test_ver_10_no_public_key_becomes_a_secret(key_for: KeyFor) -> None:
    """VER-10: from_secret makes HMAC keys alone, and a JWK of a public key can't be bound to an HMAC algorithm."""
    with pytest.raises(InvalidKey):
        SigningKey.from_secret(Algorithm.ES256, key_for(Algorithm.ES256).to_bytes())
    for algorithm in ASYMMETRIC:
        jwk = key_for(algorithm).public.to_jwk()
        with pytest.raises(InvalidKey):
            VerificationKey.from_jwk({**jwk, "alg": "HS256"})
        with pytest.raises(InvalidKey):
            VerificationKey.from_jwk({**jwk, "alg": "HS256", "k": base64url.encode(bytes(range(64)))})


def test_ver_11_a_jwk_without_alg_verifies_only_where_it_is_bound(key: SigningKey) -> None:
    """VER-11, VER-09: ``alg`` comes from the JWK or from the configuration; two that differ are refused."""
    jwk = key.public.to_jwk()
    bare: dict[str, Any] = {name: value for name, value in jwk.items() if name != "alg"}
    with pytest.raises(InvalidKey):
        VerificationKey.from_jwk(bare)
    assert VerificationKey.from_jwk(bare, algorithm=Algorithm.ES256) == key.public
    with pytest.raises(InvalidKey):
        VerificationKey.from_jwk(jwk, algorithm=Algorithm.ES384)
    for alg in (None, ["ES256"], "none", "es256", "ES521", "A256KW", 256):
        with pytest.raises(InvalidKey):
            VerificationKey.from_jwk({**jwk, "alg": alg})


@pytest.mark.parametrize("spoilt", [{"d": "AQ"}, {"use": "enc"}, {"kty": "RSA"}, {"kty": None}, {"kid": "x" * 129}])
def test_ver_10_a_key_for_something_else_is_refused(spoilt: dict[str, Any], key: SigningKey) -> None:
    """VER-10, KEY-01: private keys, keys for encryption and keys of another kind are not taken as a JWK."""
    with pytest.raises(InvalidKey):
        VerificationKey.from_jwk({**key.public.to_jwk(), **spoilt})


@pytest.mark.parametrize("data", [b"", b"0", bytes(100), b"-----BEGIN PRIVATE KEY-----"])
def test_what_is_no_stored_key_is_refused(data: bytes) -> None:
    """A stored key that can't be read is an InvalidKey, never another error."""
    for algorithm in ASYMMETRIC:
        with pytest.raises(InvalidKey):
            SigningKey.from_bytes(algorithm, data)


def _pkcs8(private: Any) -> bytes:
    data: bytes = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return data


def _kind(algorithm: Algorithm) -> str:
    return "RSA" if algorithm[:2] in {"RS", "PS"} else algorithm.value
