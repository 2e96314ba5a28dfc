import math

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
