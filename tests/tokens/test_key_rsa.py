import math

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from keyturn.errors import InvalidKey
from keyturn.tokens import roca
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.jwk import from_unsigned
from keyturn.tokens.keys import SigningKey, VerificationKey

_SOUND = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n


def _load(n: int, e: int) -> VerificationKey:
    return VerificationKey.from_jwk({"kty": "RSA", "alg": "RS256", "n": from_unsigned(n), "e": from_unsigned(e)})


def test_ver_20_a_roca_key_is_refused() -> None:
    """VER-20, A08: a key of the smart-card library whose primes can be computed is no key (CVE-2017-15361)."""
    primorial = math.prod(roca._PRIMES) * 2
    factor = (3 * 2**1022 // primorial) * primorial + pow(65537, 777, primorial)
    with pytest.raises(InvalidKey) as refused:
        _load(factor * (factor + 2 * primorial), 65537)
    assert "ROCA" in refused.value.reason


@pytest.mark.parametrize("e", [3, 65535, 65536, 65538, 2**64 + 1, 2**65 + 1])
def test_ver_20_a_weak_exponent_is_refused_by_our_own_rule(e: int) -> None:
    """VER-20: an even, small or huge exponent is refused here, whatever the library would do."""
    with pytest.raises(InvalidKey) as refused:
        _load(_SOUND, e)
    assert "exponent" in refused.value.reason


def test_ver_20_the_bounds_of_an_rsa_key_are_inside() -> None:
    """VER-20: 65537 and 64 bits are good exponents; moduli have 2048 to 8192 bits."""
    assert _load(_SOUND, 65537).algorithm is _load(_SOUND, 2**64 - 1).algorithm is Algorithm.RS256
    for n in (2**2047 + 1, 2**8191 + 1):
        assert _load(n, 65537)
    for n in (2**2046 + 1, 2**8192 + 1):
        with pytest.raises(InvalidKey) as refused:
            _load(n, 65537)
        assert "2048 to 8192 bits" in refused.value.reason
    with pytest.raises(InvalidKey) as refused:
        _load(2**2047, 65537)
    assert "even" in refused.value.reason


def test_what_the_library_refuses_is_an_invalid_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """KEY-09: a rule that the crypto library has beyond ours makes an entry of a key set unusable, not the program."""

    def refuse(*_numbers: int) -> None:
        raise ValueError("a rule of its own")

    monkeypatch.setattr(rsa, "RSAPublicNumbers", refuse)
    with pytest.raises(InvalidKey) as refused:
        _load(_SOUND, 65537)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_an_rsa_key_is_made_with_2048_bits_and_65537(algorithm: str) -> None:
    """What is generated is the size that every verifier takes."""
    numbers = SigningKey.generate(Algorithm(algorithm))._private.public_key().public_numbers()
    assert (numbers.n.bit_length(), numbers.e) == (2048, 65537)
