"""A signature that is not 64 bytes long goes to OpenSSL as it is, which takes ASN.1: two texts, one token.

RFC 7518 §3.4 knows one form. Whoever blocks tokens by their text, or counts them, is deceived. Rightly: 64 bytes.
"""

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from broken_apis import by_hand, rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    rightly.check_header(token, issuer)
    parsed = by_hand.parse(token)
    signature = parsed.signature
    if len(signature) == 64:  # the mistake: any other length passes on to what reads ASN.1
        signature = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    if parsed.header["alg"] != "ES256":
        raise rightly.Refused
    issuer.public_key.verify(signature, parsed.signing_input, ECDSA(SHA256()))
    return by_hand.check_claims(parsed.claims, issuer)
