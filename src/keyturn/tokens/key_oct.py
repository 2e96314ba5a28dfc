"""Symmetric keys and HMAC (RFC 7518 §3.2 and §6.4), for an issuer and a verifier that are one process."""

import hmac
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keyturn.tokens import base64url, hmac_secret, jwk
from keyturn.tokens.algorithms import PARAMETERS, Algorithm, KeyType
from keyturn.tokens.key_family import Sign, Verify


class OctFamily:
    """HS256, HS384, HS512: the secret is at least as long as the hash, and is not the text of another key."""

    def generate(self, algorithm: Algorithm) -> bytes:
        """Return a new secret of the hash's length."""
        secret = AESGCM.generate_key(256) + AESGCM.generate_key(256)  # as long as the longest hash
        return secret[: PARAMETERS[algorithm].hash_bits // 8]

    def load_private(self, algorithm: Algorithm, data: bytes) -> bytes:
        """Return *data*; InvalidKey unless it is fit to be a secret."""
        hmac_secret.check(data, min_length=PARAMETERS[algorithm].hash_bits // 8)
        return data

    def dump_private(self, private: bytes) -> bytes:
        """Return the secret itself."""
        return private

    def public(self, private: bytes) -> bytes:
        """Return the secret: what verifies here also signs."""
        return private

    def load_public(self, algorithm: Algorithm, members: Mapping[str, Any]) -> bytes:
        """Return the member ``k``; InvalidKey unless it is fit to be a secret."""
        return self.load_private(algorithm, jwk.octets(members, "k"))

    def dump_public(self, public: bytes) -> dict[str, str]:
        """Return ``kty`` and ``k``, for the thumbprint alone: no caller may publish it."""
        return {"kty": KeyType.OCT.value, "k": base64url.encode(public)}

    def verifier(self, algorithm: Algorithm, public: bytes) -> Verify:
        """Return a verifier that compares in constant time."""
        sign = self.signer(algorithm, public)

        def verify(signing_input: bytes, signature: bytes) -> bool:
            return hmac.compare_digest(sign(signing_input), signature)

        return verify

    def signer(self, algorithm: Algorithm, private: bytes) -> Sign:
        """Return a signer with the hash of *algorithm*."""
        digest = f"sha{PARAMETERS[algorithm].hash_bits}"

        def sign(signing_input: bytes) -> bytes:
            return hmac.digest(private, signing_input, digest)

        return sign
