"""``none`` is among the algorithms, for the tests of the team, and so an unsigned token is a good one.

CVE-2015-9235; RFC 8725 §3.1. Rightly: name the algorithm of your issuer, and no other.
"""

from joserfc import jwk, jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    head, payload, signature = token.split(".")
    rightly.check_form(f"{head}.{payload}.{signature or 'AA'}")
    rightly.check_header(token, issuer)
    key = jwk.import_key(issuer.public_jwk)
    decoded = jwt.decode(token, key, algorithms=["ES256", "none"])  # the mistake
    rules = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer.url},
        aud={"essential": True, "value": issuer.audience},
        exp={"essential": True},
    )
    rules.validate(decoded.claims)
    return rightly.check_times(decoded.claims)
