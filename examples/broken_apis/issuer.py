"""Who signs the tokens that these APIs take: one key, and every claim as it should be unless one is asked for."""

import hashlib
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, RSAAlgorithm

URL: Final = "https://auth.example.com"
AUDIENCE: Final = "https://api.example.com"
TYPE: Final = "at+jwt"
LIFETIME_SECONDS: Final = 900

Claims = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An issuer with one signing key.

    Attributes:
        algorithm: what it signs with.
        key: the private key, or the bytes of the shared secret.
        kid: the name of the key.
        url: the ``iss`` of its tokens.
        audience: the ``aud`` of its tokens.

    """

    algorithm: str
    key: Any = field(repr=False)
    kid: str
    url: str = URL
    audience: str = AUDIENCE

    @property
    def public_key(self) -> Any:  # noqa: ANN401 - a key of either family, or the secret itself
        """What its signatures are verified with."""
        return self.key if isinstance(self.key, bytes) else self.key.public_key()

    @property
    def public_pem(self) -> bytes:
        """The public key as PEM."""
        pem: bytes = self.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem

    @property
    def public_jwk(self) -> dict[str, Any]:
        """The public key as a JWK."""
        return _jwk(self.public_key) | {"kid": self.kid, "alg": self.algorithm, "use": "sig"}

    @property
    def private_jwk(self) -> dict[str, Any]:
        """The signing key as a JWK; a secret as one of ``kty`` ``oct``."""
        return _jwk(self.key) | {"kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def token(self, **claims: object) -> str:
        """Return a signed access token; *claims* go in place of the usual ones, and None leaves one out."""
        now = int(time.time())
        usual = {
            "iss": self.url,
            "sub": "ada",
            "aud": self.audience,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": str(uuid.uuid4()),
            "client_id": "shop",
            "scope": "orders:read",
            "roles": ["admin"],
        }
        said = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(said, self.key, self.algorithm, headers={"typ": TYPE, "kid": self.kid})


def with_curve() -> Issuer:
    """Return an issuer that signs with ES256 and a key of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Issuer(algorithm="ES256", key=key, kid=_name(key))


def with_rsa() -> Issuer:
    """Return an issuer that signs with RS256 and a key of its own."""
    key = rsa.generate_private_key(65537, 2048)
    return Issuer(algorithm="RS256", key=key, kid=_name(key))


def with_secret(secret: bytes, kid: str = "shared") -> Issuer:
    """Return an issuer that signs with HS256 and *secret*, which the API knows too."""
    return Issuer(algorithm="HS256", key=secret, kid=kid)


def _name(key: Any) -> str:  # noqa: ANN401 - a private key of either family
    return hashlib.sha256(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _jwk(key: Any) -> dict[str, Any]:  # noqa: ANN401 - a key of either family, or a secret
    if isinstance(key, bytes):
        return dict(HMACAlgorithm.to_jwk(key, as_dict=True))
    family = RSAAlgorithm if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey) else ECAlgorithm
    return dict(family.to_jwk(key, as_dict=True))
