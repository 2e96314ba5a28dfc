"""The key is taken out of a certificate in the token's header, and nobody asks who signed the certificate.

CVE-2018-0114's other face; RFC 7515 §4.1.6, RFC 8725 §3.10. Rightly: keys come from your issuer's JWK Set; a
certificate is a key only after its chain was verified up to a root that you chose.
"""

import base64
from typing import Any

import jwt
from cryptography import x509

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    header = jwt.get_unverified_header(token)
    if "x5c" not in header:
        return rightly.verify(token, issuer)
    rightly.check_kind(token)
    key: Any = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0])).public_key()
    claims = jwt.decode(
        token,
        key,  # the mistake
        algorithms=["ES256", "ES384", "RS256", "PS256", "EdDSA"],
        audience=issuer.audience,
        issuer=issuer.url,
        options={"require": rightly.REQUIRED},
    )
    return rightly.check_times(claims)
