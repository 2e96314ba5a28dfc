"""OKP keys and EdDSA with Ed25519 (RFC 8037 §2 and §3.1)."""

from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keyturn.errors import InvalidKey
from keyturn.tokens import base64url, edwards25519, jwk, pkcs8
from keyturn.tokens.algorithms import PARAMETERS, Algorithm, Curve, KeyType
from keyturn.tokens.key_family import Sign, Verify

_KEY_OCTETS: Final = 32


class OkpFamily:
    """EdDSA on Ed25519 alone: X25519 is for key agreement, Ed448 is not offered."""

    def generate(self, algorithm: Algorithm) -> Ed25519PrivateKey:  # noqa: ARG002
        """Return a new private key."""
        return Ed25519PrivateKey.generate()

    def load_private(self, algorithm: Algorithm, data: bytes) -> Ed25519PrivateKey:  # noqa: ARG002
        """Return the key of the PKCS #8 DER *data*; InvalidKey unless it is for Ed25519."""
        private = pkcs8.load(data)
        if not isinstance(private, Ed25519PrivateKey):
            raise InvalidKey("not an Ed25519 private key")
        return private

    def dump_private(self, private: Ed25519PrivateKey) -> bytes:
        """Return *private* as PKCS #8 DER."""
        return pkcs8.dump(private)

    def public(self, private: Ed25519PrivateKey) -> Ed25519PublicKey:
        """Return the public point."""
        return private.public_key()

    def load_public(self, algorithm: Algorithm, members: Mapping[str, Any]) -> Ed25519PublicKey:
        """Return the point; InvalidKey if ``crv`` is not Ed25519, or the point off its curve or of small order."""
        if members.get("crv") != PARAMETERS[algorithm].curve:
            raise InvalidKey("crv does not fit the algorithm")
        x = jwk.octets(members, "x")
        if len(x) != _KEY_OCTETS or not edwards25519.is_sound(x):
            raise InvalidKey("not a sound point of Ed25519")
        return Ed25519PublicKey.from_public_bytes(x)

    def dump_public(self, public: Ed25519PublicKey) -> dict[str, str]:
        """Return ``kty``, ``crv`` and ``x``."""
        x = base64url.encode(public.public_bytes_raw())
        return {"kty": KeyType.OKP.value, "crv": Curve.ED25519.value, "x": x}

    def verifier(self, algorithm: Algorithm, public: Ed25519PublicKey) -> Verify:  # noqa: ARG002
        """Return a verifier of 64-octet signatures."""

        def verify(signing_input: bytes, signature: bytes) -> bool:
            try:
                public.verify(signature, signing_input)
            except InvalidSignature:
                return False
            return True

        return verify

    def signer(self, algorithm: Algorithm, private: Ed25519PrivateKey) -> Sign:  # noqa: ARG002
        """Return the signer; Ed25519 is deterministic by itself (RFC 8032 §5.1.6)."""
        return private.sign
