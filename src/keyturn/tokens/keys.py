"""A key that signs and a key that verifies: each has exactly one algorithm and one use (RFC 8725 §3.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from keyturn.errors import InvalidKey
from keyturn.tokens import jwk as jwk_members
from keyturn.tokens.algorithms import PARAMETERS, SYMMETRIC, Algorithm, KeyType
from keyturn.tokens.key_ec import EcFamily
from keyturn.tokens.key_family import KeyFamily, Sign, Verify
from keyturn.tokens.key_oct import OctFamily
from keyturn.tokens.key_okp import OkpFamily
from keyturn.tokens.key_rsa import RsaFamily


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationKey:
    """A key that verifies. Made by :meth:`from_jwk`, or as a :class:`SigningKey`'s ``public``.

    Attributes:
        kid: its name; the RFC 7638 thumbprint unless its JWK says otherwise.
        algorithm: the one algorithm it is for.
        verify: the function (signing input, signature) that says whether this key made the signature. Never raises.

    """

    kid: str
    algorithm: Algorithm
    verify: Verify = field(repr=False, compare=False)
    _members: Mapping[str, str] = field(repr=False, hash=False)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any], *, algorithm: Algorithm | None = None) -> Self:
        """Return the key that *jwk* describes.

        Args:
            jwk: a public key, or a symmetric one (``oct``).
            algorithm: what the key is bound to where *jwk* has no ``alg``.

        Raises:
            InvalidKey: it is malformed, weak, not for signatures, private, or bound to no or another algorithm.

        """
        bound = _bound_algorithm(jwk, algorithm)
        if jwk.get("kty") != PARAMETERS[bound].key_type:
            raise InvalidKey("kty does not fit the algorithm")
        if not jwk_members.PRIVATE_MEMBERS.isdisjoint(jwk):
            raise InvalidKey("the key is private")
        jwk_members.check_use(jwk)
        public = _family(bound).load_public(bound, jwk)
        return cls._of(bound, public, kid=jwk_members.key_id(jwk))

    def to_jwk(self) -> dict[str, str]:
        """Return the public JWK: key members, ``kid``, ``use`` and ``alg`` (RFC 7517 §4).

        Raises:
            InvalidKey: the key is symmetric, and a symmetric key is never published.

        """
        if self.algorithm in SYMMETRIC:
            raise InvalidKey("a symmetric key is never published")
        return {**self._members, "kid": self.kid, "use": "sig", "alg": self.algorithm.value}

    @classmethod
    def _of(cls, algorithm: Algorithm, public: Any, *, kid: str | None = None) -> Self:  # noqa: ANN401
        family = _family(algorithm)
        members = family.dump_public(public)
        name = kid or jwk_members.thumbprint(members)
        return cls(kid=name, algorithm=algorithm, _members=members, verify=family.verifier(algorithm, public))


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that signs. Its ``repr`` shows nothing secret.

    Attributes:
        kid: the RFC 7638 thumbprint of its public half.
        algorithm: the one algorithm it is for.
        public: the key that verifies what this one signs.
        sign: the function from signing input to signature, in the form a JWS carries (RFC 7518 §3).

    """

    kid: str
    algorithm: Algorithm
    public: VerificationKey
    sign: Sign = field(repr=False, compare=False)
    _private: Any = field(repr=False, compare=False)

    @classmethod
    def generate(cls, algorithm: Algorithm) -> Self:
        """Return a new key for *algorithm*."""
        return cls._of(algorithm, _family(algorithm).generate(algorithm))

    @classmethod
    def from_bytes(cls, algorithm: Algorithm, data: bytes) -> Self:
        """Return the key that :meth:`to_bytes` wrote.

        Raises:
            InvalidKey: *data* is no key for *algorithm*, or a weak one.

        """
        return cls._of(algorithm, _family(algorithm).load_private(algorithm, data))

    @classmethod
    def from_secret(cls, algorithm: Algorithm, secret: bytes) -> Self:
        """Return the HMAC key with this *secret*.

        Raises:
            InvalidKey: *algorithm* is asymmetric; or *secret* is shorter than its hash, guessable, or the text
                of another kind of key.

        """
        if algorithm not in SYMMETRIC:
            raise InvalidKey("a secret is for HMAC alone")
        return cls.from_bytes(algorithm, secret)

    def to_bytes(self) -> bytes:
        """Return the private key, to be sealed at once: PKCS #8 DER, or the HMAC secret itself."""
        return _family(self.algorithm).dump_private(self._private)

    @classmethod
    def _of(cls, algorithm: Algorithm, private: Any) -> Self:  # noqa: ANN401
        family = _family(algorithm)
        public = VerificationKey._of(algorithm, family.public(private))  # noqa: SLF001
        sign = family.signer(algorithm, private)
        return cls(kid=public.kid, algorithm=algorithm, public=public, sign=sign, _private=private)


def _bound_algorithm(jwk: Mapping[str, Any], algorithm: Algorithm | None) -> Algorithm:
    """Return the algorithm of *jwk*: its own ``alg``, or the one it is bound to from outside, never two."""
    if "alg" not in jwk:
        if algorithm is None:
            raise InvalidKey("alg is missing")
        return algorithm
    named = jwk["alg"]
    if not isinstance(named, str) or named not in PARAMETERS:
        raise InvalidKey("alg is unknown")
    if algorithm is not None and algorithm != named:
        raise InvalidKey("alg is not the one the key is bound to")
    return Algorithm(named)


def _family(algorithm: Algorithm) -> KeyFamily[Any, Any]:
    return _FAMILIES[PARAMETERS[algorithm].key_type]


_FAMILIES: Final[dict[KeyType, KeyFamily[Any, Any]]] = {
    KeyType.EC: EcFamily(),
    KeyType.OKP: OkpFamily(),
    KeyType.RSA: RsaFamily(),
    KeyType.OCT: OctFamily(),
}
