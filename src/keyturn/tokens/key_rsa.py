"""RSA keys, RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 7518 §3.3, §3.5 and §6.3)."""

from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from keyturn.errors import InvalidKey
from keyturn.tokens import jwk, pkcs8, roca
from keyturn.tokens.algorithms import PARAMETERS, Algorithm, KeyType, Padding
from keyturn.tokens.key_family import Sign, Verify

_MIN_BITS: Final = 2048
_MAX_BITS: Final = 8192  # a verification costs the square of it
_EXPONENT: Final = 65537
_MAX_EXPONENT_BITS: Final = 64
_GENERATED_BITS: Final = 2048


class RsaFamily:
    """RS256 … PS512: any sound modulus from 2048 to 8192 bits."""

    def generate(self, algorithm: Algorithm) -> rsa.RSAPrivateKey:  # noqa: ARG002
        """Return a new private key of 2048 bits."""
        return rsa.generate_private_key(_EXPONENT, _GENERATED_BITS)

    def load_private(self, algorithm: Algorithm, data: bytes) -> rsa.RSAPrivateKey:  # noqa: ARG002
        """Return the key of the PKCS #8 DER *data*; InvalidKey unless it is RSA and strong."""
        private = pkcs8.load(data)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise InvalidKey("not an RSA private key")
        numbers = private.public_key().public_numbers()
        _check(numbers.n, numbers.e)
        return private

    def dump_private(self, private: rsa.RSAPrivateKey) -> bytes:
        """Return *private* as PKCS #8 DER."""
        return pkcs8.dump(private)

    def public(self, private: rsa.RSAPrivateKey) -> rsa.RSAPublicKey:
        """Return modulus and public exponent."""
        return private.public_key()

    def load_public(self, algorithm: Algorithm, members: Mapping[str, Any]) -> rsa.RSAPublicKey:  # noqa: ARG002
        """Return the key; InvalidKey if the modulus or the exponent is weak."""
        n, e = jwk.unsigned(members, "n"), jwk.unsigned(members, "e")
        _check(n, e)
        try:
            return rsa.RSAPublicNumbers(e, n).public_key()
        except ValueError:
            raise InvalidKey("not an RSA public key") from None

    def dump_public(self, public: rsa.RSAPublicKey) -> dict[str, str]:
        """Return ``kty``, ``n`` and ``e``."""
        numbers = public.public_numbers()
        return {"kty": KeyType.RSA.value, "n": jwk.from_unsigned(numbers.n), "e": jwk.from_unsigned(numbers.e)}

    def verifier(self, algorithm: Algorithm, public: rsa.RSAPublicKey) -> Verify:
        """Return a verifier with the padding and hash of *algorithm*."""
        scheme, digest = _scheme(algorithm), _hash(algorithm)

        def verify(signing_input: bytes, signature: bytes) -> bool:
            try:
                public.verify(signature, signing_input, scheme, digest)
            except InvalidSignature:
                return False
            return True

        return verify

    def signer(self, algorithm: Algorithm, private: rsa.RSAPrivateKey) -> Sign:
        """Return a signer with the padding and hash of *algorithm*."""
        scheme, digest = _scheme(algorithm), _hash(algorithm)

        def sign(signing_input: bytes) -> bytes:
            return private.sign(signing_input, scheme, digest)

        return sign


def _check(n: int, e: int) -> None:
    if not _MIN_BITS <= n.bit_length() <= _MAX_BITS:
        raise InvalidKey("the modulus is not of 2048 to 8192 bits")
    if n % 2 == 0:
        raise InvalidKey("the modulus is even")
    if e % 2 == 0 or e < _EXPONENT or e.bit_length() > _MAX_EXPONENT_BITS:
        raise InvalidKey("the public exponent is even, below 65537 or oversized")
    if roca.is_suspect(n):
        raise InvalidKey("the modulus has the fingerprint of ROCA (CVE-2017-15361)")


def _hash(algorithm: Algorithm) -> hashes.HashAlgorithm:
    return _HASHES[PARAMETERS[algorithm].hash_bits]


def _scheme(algorithm: Algorithm) -> padding.AsymmetricPadding:
    if PARAMETERS[algorithm].padding is Padding.PKCS1:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(_hash(algorithm)), padding.PSS.DIGEST_LENGTH)


_HASHES: Final[dict[int, hashes.HashAlgorithm]] = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
