"""The bytes that programs are known to have taken for an HMAC secret when they meant a public key. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keyturn.tokens import base64url

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


def forms(jwk: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Return each form of the public *jwk* with its name; of a malformed or unknown one, its JSON alone."""
    try:
        public = _load(jwk)
    except (KeyError, TypeError, ValueError, UnsupportedAlgorithm):
        public = None
    if public is not None:
        yield from _encodings(public)
        yield from _raw(public)
    yield "JWK", json.dumps(dict(jwk), separators=(",", ":")).encode()
    yield "JWK with blanks", json.dumps(dict(jwk)).encode()
    yield "JWK Set", json.dumps({"keys": [dict(jwk)]}, separators=(",", ":")).encode()


def _encodings(public: PublicKey) -> Iterator[tuple[str, bytes]]:
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield "PEM", pem
    yield "PEM without its last newline", pem.rstrip(b"\n")
    yield "PEM with CRLF", pem.replace(b"\n", b"\r\n")
    yield "PEM after a newline", b"\n" + pem
    yield "PEM after a blank", b" " + pem
    yield "base64 of the PEM", b"".join(pem.split(b"\n")[1:-2])
    yield "DER", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    yield "OpenSSH", public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


def _raw(public: PublicKey) -> Iterator[tuple[str, bytes]]:
    if isinstance(public, rsa.RSAPublicKey):
        yield "PKCS #1 PEM", public.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
        yield "PKCS #1 DER", public.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        modulus = public.public_numbers().n
        yield "n", modulus.to_bytes((modulus.bit_length() + 7) // 8)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        yield "x and y", point[1:]
        yield "x", point[1 : 1 + len(point) // 2]
    else:
        yield "x", public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _load(jwk: Mapping[str, Any]) -> PublicKey | None:
    if jwk["kty"] == "RSA":
        return rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
    if jwk["kty"] == "EC":
        return ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), _CURVES[jwk["crv"]]).public_key()
    if jwk["kty"] == "OKP" and jwk["crv"] == "Ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(base64url.decode(jwk["x"]))
    return None


def _number(text: str) -> int:
    return int.from_bytes(base64url.decode(text))


_CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
