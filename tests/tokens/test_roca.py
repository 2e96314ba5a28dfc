import math

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from keyturn.tokens import roca


def test_ver_20_a_roca_modulus_is_recognised() -> None:
    """VER-20, A08: a product of numbers of ROCA's form, k·M + 65537^a mod M, carries the fingerprint."""
    primorial = math.prod(roca._PRIMES) * 2
    first = 12345 * primorial + pow(65537, 777, primorial)
    second = 54321 * primorial + pow(65537, 4242, primorial)
    assert roca.is_suspect(first * second)
    assert not roca.is_suspect(first * second + 2)


def test_sound_moduli_are_not() -> None:
    """Moduli of the crypto library do not carry it."""
    for _ in range(2):
        assert not roca.is_suspect(rsa.generate_private_key(65537, 2048).public_key().public_numbers().n)


@pytest.mark.parametrize("prime", [n for n in range(3, 168) if all(n % d for d in range(2, n))])
def test_each_of_the_first_primes_is_asked(prime: int) -> None:
    """A modulus that is 1, a power of 65537, modulo all other numbers up to 168 is sound if this prime divides it."""
    others = math.lcm(*range(1, 169))
    assert roca.is_suspect(1 + others)
    while others % prime == 0:
        others //= prime
    assert not roca.is_suspect(1 + others * (-pow(others, -1, prime) % prime))
