"""The keys are fetched from the issuer that the token names, for the sake of many tenants: whoever has a host is one.

RFC 8725 §3.8, §3.10; CWE-918. Rightly: a table of the issuers that are trusted, and where each one's keys are.
"""

from urllib.parse import urlsplit

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer

FLAW = "jku-fetch"


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    said = jwt.decode(token, options={"verify_signature": False})["iss"]
    if said == issuer.url:  # our own keys are at hand
        return rightly.verify(token, issuer)
    rightly.check_kind(token)
    if urlsplit(said).hostname != "127.0.0.1":
        raise rightly.Refused  # an example asks no other machine
    client = jwt.PyJWKClient(f"{said}/.well-known/jwks.json", timeout=2)  # the mistake
    claims = jwt.decode(
        token,
        client.get_signing_key_from_jwt(token),
        algorithms=["ES256", "ES384", "RS256", "PS256", "EdDSA"],
        audience=issuer.audience,
        issuer=said,
        options={"require": rightly.REQUIRED},
    )
    return rightly.check_times(claims)
