"""The fingerprint of ROCA, CVE-2017-15361: RSA keys of a smart-card library whose primes can be computed.

Such primes are k·M + (65537^a mod M), with M the product of the first primes. So modulo each of them the
modulus is a power of 65537. A healthy modulus passes for that with a chance of about one in 2²⁷.
"""

from typing import Final

_GENERATOR: Final = 65537
_PRIMES: Final = (
    *(3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83),
    *(89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167),
)


def is_suspect(modulus: int) -> bool:
    """Say whether *modulus* carries the fingerprint."""
    return all(modulus % prime in powers for prime, powers in _POWERS.items())


_POWERS: Final = {prime: {pow(_GENERATOR, exponent, prime) for exponent in range(prime)} for prime in _PRIMES}
