import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keyturn.errors import InvalidKey
from keyturn.tokens import base64url, edwards25519
from keyturn.tokens.keys import VerificationKey

_P = 2**255 - 19
# y of the points of order 1, 2, 4 and 8, and the spellings of 0 and 1 that are not reduced modulo p.
_EIGHTH = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
_SMALL = [0, 1, _P - 1, _EIGHTH, _P - _EIGHTH, _P, _P + 1]


def test_generated_keys_are_sound() -> None:
    """Every key that the crypto library makes is taken."""
    for _ in range(50):
        assert edwards25519.is_sound(Ed25519PrivateKey.generate().public_key().public_bytes_raw())


@pytest.mark.parametrize("sign", [0, 1 << 255])
@pytest.mark.parametrize("y", _SMALL)
def test_ver_20_points_of_small_order_are_refused(y: int, sign: int) -> None:
    """VER-20: for points of order 1 to 8 anybody can forge signatures, so they are no keys."""
    x = (y | sign).to_bytes(32, "little")
    assert not edwards25519.is_sound(x)
    with pytest.raises(InvalidKey):
        VerificationKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": base64url.encode(x)})


def test_ver_20_points_off_the_curve_are_refused() -> None:
    """VER-20: half of all y belong to no point, and those are refused when the key is loaded."""
    verdicts = [edwards25519.is_sound(y.to_bytes(32, "little")) for y in range(2, 200)]
    assert 70 < sum(verdicts) < 130


def test_ver_20_a_point_has_one_encoding() -> None:
    """VER-20: y above p is another spelling of a small y, and refused though the point is sound (RFC 8032 §5.1.3)."""
    sound = [y for y in range(19) if edwards25519.is_sound(y.to_bytes(32, "little"))]
    assert sound
    assert not any(edwards25519.is_sound((_P + y).to_bytes(32, "little")) for y in sound)


def test_a_small_point_would_verify_forgeries() -> None:
    """The reason for the rule: the crypto library takes this forgery, made without any secret."""
    neutral = (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(neutral).verify(neutral + bytes(32), b"any message")


def test_ver_20_exactly_what_has_an_x_is_a_point() -> None:
    """VER-20: for each y, the curve's equation has a solution or it has none (RFC 8032 §5.1.3)."""
    d = -121665 * pow(121666, -1, _P) % _P
    for y in range(2, 300):
        square = (y * y - 1) * pow(d * y * y + 1, -1, _P) % _P
        root = pow(square, (_P + 3) // 8, _P)
        roots = {root, root * pow(2, (_P - 1) // 4, _P) % _P}
        on_curve = any((-x * x + y * y - 1 - d * x * x * y * y) % _P == 0 for x in roots)
        assert edwards25519.is_sound(y.to_bytes(32, "little")) is on_curve
