"""EC keys and ECDSA (RFC 7518 §3.4 and §6.2): a signature is r and s side by side, never DER."""

from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from keyturn.errors import InvalidKey
from keyturn.tokens import base64url, jwk, pkcs8
from keyturn.tokens.algorithms import PARAMETERS, Algorithm, Curve, KeyType
from keyturn.tokens.key_family import Sign, Verify


class EcFamily:
    """ES256 on P-256, ES384 on P-384, ES512 on P-521; no other pair works."""

    def generate(self, algorithm: Algorithm) -> ec.EllipticCurvePrivateKey:
        """Return a new private key on the curve of *algorithm*."""
        return ec.generate_private_key(_curve(algorithm))

    def load_private(self, algorithm: Algorithm, data: bytes) -> ec.EllipticCurvePrivateKey:
        """Return the key of the PKCS #8 DER *data*; InvalidKey unless it is on the curve of *algorithm*."""
        private = pkcs8.load(data)
        if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != _curve(algorithm).name:
            raise InvalidKey("not a private key on the curve of the algorithm")
        return private

    def dump_private(self, private: ec.EllipticCurvePrivateKey) -> bytes:
        """Return *private* as PKCS #8 DER."""
        return pkcs8.dump(private)

    def public(self, private: ec.EllipticCurvePrivateKey) -> ec.EllipticCurvePublicKey:
        """Return the public point."""
        return private.public_key()

    def load_public(self, algorithm: Algorithm, members: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
        """Return the point; InvalidKey if ``crv`` is not the algorithm's or the point is off its curve."""
        if members.get("crv") != PARAMETERS[algorithm].curve:
            raise InvalidKey("crv does not fit the algorithm")
        curve = _curve(algorithm)
        x, y = jwk.octets(members, "x"), jwk.octets(members, "y")
        if not len(x) == len(y) == _octets(curve):
            raise InvalidKey("a coordinate has the wrong length")
        try:
            return ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), curve).public_key()
        except ValueError:
            raise InvalidKey("the point is not on the curve") from None

    def dump_public(self, public: ec.EllipticCurvePublicKey) -> dict[str, str]:
        """Return ``kty``, ``crv``, ``x`` and ``y``."""
        numbers, size = public.public_numbers(), _octets(public.curve)
        return {
            "kty": KeyType.EC.value,
            "crv": _NAMES[public.curve.name].value,
            "x": base64url.encode(numbers.x.to_bytes(size)),
            "y": base64url.encode(numbers.y.to_bytes(size)),
        }

    def verifier(self, algorithm: Algorithm, public: ec.EllipticCurvePublicKey) -> Verify:
        """Return a verifier that takes exactly two coordinates, each in [1, n-1] (no psychic signatures)."""
        scheme = ec.ECDSA(_hash(algorithm))
        size, order = _octets(public.curve), _curve(algorithm).group_order
        length = 2 * size

        def verify(signing_input: bytes, signature: bytes) -> bool:
            if len(signature) != length:
                return False
            r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
            if not (0 < r < order and 0 < s < order):
                return False
            try:
                public.verify(encode_dss_signature(r, s), signing_input, scheme)
            except InvalidSignature:
                return False
            return True

        return verify

    def signer(self, algorithm: Algorithm, private: ec.EllipticCurvePrivateKey) -> Sign:
        """Return a deterministic signer (RFC 6979): a weak random source can't leak the key."""
        scheme = ec.ECDSA(_hash(algorithm), deterministic_signing=True)
        size = _octets(private.curve)

        def sign(signing_input: bytes) -> bytes:
            r, s = decode_dss_signature(private.sign(signing_input, scheme))
            return r.to_bytes(size) + s.to_bytes(size)

        return sign


def _curve(algorithm: Algorithm) -> ec.EllipticCurve:
    return _CURVES[algorithm]


def _hash(algorithm: Algorithm) -> hashes.HashAlgorithm:
    return _HASHES[PARAMETERS[algorithm].hash_bits]


def _octets(curve: ec.EllipticCurve) -> int:
    return (curve.key_size + 7) // 8


_CURVES: Final[dict[Algorithm, ec.EllipticCurve]] = {
    Algorithm.ES256: ec.SECP256R1(),
    Algorithm.ES384: ec.SECP384R1(),
    Algorithm.ES512: ec.SECP521R1(),
}
_HASHES: Final[dict[int, hashes.HashAlgorithm]] = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
_NAMES: Final = {"secp256r1": Curve.P_256, "secp384r1": Curve.P_384, "secp521r1": Curve.P_521}
