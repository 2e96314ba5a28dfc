"""What the four kinds of keys have in common: EC, OKP, RSA and oct each fill in this protocol."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from keyturn.tokens.algorithms import Algorithm

Verify = Callable[[bytes, bytes], bool]
Sign = Callable[[bytes], bytes]

PrivateKey = TypeVar("PrivateKey")
PublicKey = TypeVar("PublicKey")


class KeyFamily(Protocol[PrivateKey, PublicKey]):
    """Keys of one ``kty``. What loads a key raises InvalidKey unless the key is sound and strong."""

    def generate(self, algorithm: Algorithm) -> PrivateKey:
        """Return a new private key, from the random numbers of the crypto library."""

    def load_private(self, algorithm: Algorithm, data: bytes) -> PrivateKey:
        """Return the private key that :meth:`dump_private` wrote."""

    def dump_private(self, private: PrivateKey) -> bytes:
        """Return *private* as bytes: PKCS #8 DER, or the secret itself."""

    def public(self, private: PrivateKey) -> PublicKey:
        """Return the half of *private* that verifies."""

    def load_public(self, algorithm: Algorithm, jwk: Mapping[str, Any]) -> PublicKey:
        """Return the key that the members of *jwk* describe."""

    def dump_public(self, public: PublicKey) -> dict[str, str]:
        """Return the members that describe *public*: ``kty`` and what RFC 7638 requires beside it."""

    def verifier(self, algorithm: Algorithm, public: PublicKey) -> Verify:
        """Return the function (signing input, signature) to verdict. It never raises."""

    def signer(self, algorithm: Algorithm, private: PrivateKey) -> Sign:
        """Return the function from signing input to signature."""
