"""Private keys at rest: unencrypted PKCS #8 DER (RFC 5208 §5), meant to be sealed by a master key at once."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from keyturn.errors import InvalidKey


def load(data: bytes) -> PrivateKeyTypes:
    """Return the private key in *data*.

    Raises:
        InvalidKey: *data* is no private key that the crypto library reads.

    """
    try:
        return load_der_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InvalidKey("not a PKCS #8 private key") from None


def dump(private: PrivateKeyTypes) -> bytes:
    """Return *private* as DER. The bytes are the secret itself."""
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
