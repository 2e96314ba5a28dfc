"""Reads the issuer's signing key that a user hands over for the test: PEM, a private JWK, or a secret in one."""

import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from keyturn.attack import crafting
from keyturn.attack.material import Signer
from keyturn.attack.target import signer_of
from keyturn.errors import ConfigurationError, InvalidKey
from keyturn.tokens import base64url
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey


def read_signer(data: bytes, *, algorithm: str | None = None, kid: str | None = None) -> Signer:
    """Return the key that *data* is.

    Args:
        data: a private key as PEM, or as a JWK; an HMAC secret as a JWK of ``kty`` ``oct``.
        algorithm: the token's ``alg``, where the key could be for several.
        kid: the key's name in a token's header; the JWK's own, or the thumbprint, unless given.

    Raises:
        ConfigurationError: it is no key, or not one for *algorithm*. Nothing of it is in the message.

    """
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return _asymmetric(load_pem_private_key(data, None), algorithm, kid)
        return _from_jwk(_object(data), algorithm, kid)
    except (InvalidKey, ValueError, TypeError, KeyError):
        raise ConfigurationError(
            "--key: give the issuer's private key as PEM without a passphrase, or as a JWK; for HMAC, a JWK of kty oct."
        ) from None


def hmac_signer(secret: bytes, *, algorithm: str, kid: str | None) -> Signer:
    """Return the signer with this secret; any length will do, for it is the target's choice."""
    return Signer(algorithm=algorithm, kid=kid, sign=crafting.hmac_signer(algorithm, secret))


def _from_jwk(jwk: Mapping[str, Any], algorithm: str | None, kid: str | None) -> Signer:
    named = algorithm or jwk.get("alg")
    if jwk["kty"] == "oct":
        return hmac_signer(base64url.decode(jwk["k"]), algorithm=named or "HS256", kid=kid or jwk.get("kid"))
    return _asymmetric(_LOADERS[jwk["kty"]](jwk), named, kid or jwk.get("kid"))


def _asymmetric(private: Any, algorithm: str | None, kid: str | None) -> Signer:  # noqa: ANN401 - any kind of key
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return signer_of(SigningKey.from_bytes(Algorithm(algorithm or _usual(private)), der), kid=kid)


def _usual(private: object) -> str:
    if isinstance(private, rsa.RSAPrivateKey):
        return Algorithm.RS256
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return _BY_CURVE[private.curve.name]
    return Algorithm.EdDSA


def _ec(jwk: Mapping[str, Any]) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(_number(jwk["d"]), _CURVES[jwk["crv"]])


def _okp(jwk: Mapping[str, Any]) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(base64url.decode(jwk["d"]))


def _rsa(jwk: Mapping[str, Any]) -> rsa.RSAPrivateKey:
    n, e, d = (_number(jwk[name]) for name in ("n", "e", "d"))
    p, q = rsa.rsa_recover_prime_factors(n, e, d)
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(e, n),
    )
    return numbers.private_key()


def _number(text: str) -> int:
    return int.from_bytes(base64url.decode(text))


def _object(data: bytes) -> Mapping[str, Any]:
    value = json.loads(data)
    if not isinstance(value, dict):
        raise TypeError
    return value


_LOADERS: Final = {"EC": _ec, "OKP": _okp, "RSA": _rsa}
_CURVES: Final = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
_BY_CURVE: Final = {"secp256r1": Algorithm.ES256, "secp384r1": Algorithm.ES384, "secp521r1": Algorithm.ES512}
