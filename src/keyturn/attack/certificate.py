"""A certificate that a stranger wrote about a key of its own, as an ``x5c`` header carries it (RFC 7515 §4.1.6)."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from cryptography.x509.oid import NameOID

from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey


def self_signed(key: SigningKey, *, now: int) -> str:
    """Return the certificate in base64, good for a day around *now*."""
    private: Any = load_der_private_key(key.to_bytes(), None)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stranger.invalid")])
    at = datetime.fromtimestamp(now, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
    )
    digest = None if key.algorithm is Algorithm.EdDSA else hashes.SHA256()
    return base64.b64encode(builder.sign(private, digest).public_bytes(Encoding.DER)).decode("ascii")
