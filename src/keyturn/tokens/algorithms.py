"""The signature algorithms, and what RFC 7518 §3 and RFC 8037 §3.1 fix for each: one table, no branches.

``none`` is not a member: there is no way to spell it (RFC 8725 §3.1).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keyturn.errors import ConfigurationError


class Algorithm(StrEnum):
    """The value of ``alg``, case-sensitive. ``EdDSA`` means Ed25519."""

    ES256 = "ES256"
    ES384 = "ES384"
    ES512 = "ES512"
    EdDSA = "EdDSA"
    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    PS256 = "PS256"
    PS384 = "PS384"
    PS512 = "PS512"
    HS256 = "HS256"
    HS384 = "HS384"
    HS512 = "HS512"


class KeyType(StrEnum):
    """The value of a JWK's ``kty`` (RFC 7518 §6.1, RFC 8037 §2)."""

    EC = "EC"
    OKP = "OKP"
    RSA = "RSA"
    OCT = "oct"


class Curve(StrEnum):
    """The value of a JWK's ``crv``."""

    P_256 = "P-256"
    P_384 = "P-384"
    P_521 = "P-521"
    ED25519 = "Ed25519"


class Padding(StrEnum):
    """How an RSA signature is padded (RFC 8017 §8)."""

    PKCS1 = "PKCS1-v1_5"
    PSS = "PSS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What an algorithm fixes.

    Attributes:
        key_type: the only ``kty`` that works.
        hash_bits: the bits of the SHA-2 hash; 0 where the scheme brings its own.
        curve: the only ``crv`` that works, or None.
        padding: of RSA alone, or None.

    """

    key_type: KeyType
    hash_bits: int = 0
    curve: Curve | None = None
    padding: Padding | None = None


PARAMETERS: Final[dict[Algorithm, Parameters]] = {
    Algorithm.ES256: Parameters(key_type=KeyType.EC, hash_bits=256, curve=Curve.P_256),
    Algorithm.ES384: Parameters(key_type=KeyType.EC, hash_bits=384, curve=Curve.P_384),
    Algorithm.ES512: Parameters(key_type=KeyType.EC, hash_bits=512, curve=Curve.P_521),
    Algorithm.EdDSA: Parameters(key_type=KeyType.OKP, curve=Curve.ED25519),
    Algorithm.RS256: Parameters(key_type=KeyType.RSA, hash_bits=256, padding=Padding.PKCS1),
    Algorithm.RS384: Parameters(key_type=KeyType.RSA, hash_bits=384, padding=Padding.PKCS1),
    Algorithm.RS512: Parameters(key_type=KeyType.RSA, hash_bits=512, padding=Padding.PKCS1),
    Algorithm.PS256: Parameters(key_type=KeyType.RSA, hash_bits=256, padding=Padding.PSS),
    Algorithm.PS384: Parameters(key_type=KeyType.RSA, hash_bits=384, padding=Padding.PSS),
    Algorithm.PS512: Parameters(key_type=KeyType.RSA, hash_bits=512, padding=Padding.PSS),
    Algorithm.HS256: Parameters(key_type=KeyType.OCT, hash_bits=256),
    Algorithm.HS384: Parameters(key_type=KeyType.OCT, hash_bits=384),
    Algorithm.HS512: Parameters(key_type=KeyType.OCT, hash_bits=512),
}

SYMMETRIC: Final = frozenset(name for name, fixed in PARAMETERS.items() if fixed.key_type is KeyType.OCT)
ASYMMETRIC: Final = frozenset(PARAMETERS) - SYMMETRIC

#: What an issuer may sign with. A verifier knows the rest of the family too.
ISSUER_ALGORITHMS: Final = frozenset(
    {
        Algorithm.ES256,
        Algorithm.ES384,
        Algorithm.EdDSA,
        Algorithm.RS256,
        Algorithm.RS512,
        Algorithm.PS256,
        Algorithm.HS256,
        Algorithm.HS512,
    }
)


def check_algorithms(algorithms: Iterable[Algorithm]) -> frozenset[Algorithm]:
    """Return *algorithms* as the allowlist of one issuer (RFC 8725 §3.1).

    Raises:
        ConfigurationError: it is empty, names something unknown, or mixes symmetric and asymmetric ones: then
            a public key could be taken for an HMAC secret.

    """
    allowed = frozenset(algorithms)
    if not allowed:
        raise ConfigurationError("algorithms: name at least one signature algorithm.")
    if not all(isinstance(algorithm, Algorithm) for algorithm in allowed):
        raise ConfigurationError(f"algorithms: each must be one of {', '.join(Algorithm)}.")
    if allowed & SYMMETRIC and allowed & ASYMMETRIC:
        raise ConfigurationError("algorithms: symmetric (HS…) and asymmetric ones can't be allowed together.")
    return allowed
