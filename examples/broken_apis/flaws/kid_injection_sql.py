"""The secret is looked up with SQL that ``kid`` is written into: ``' UNION SELECT 'known`` is a secret of one's choice.

RFC 8725 §3.10; CWE-89. Rightly: a parameter, ``WHERE kid = ?``; better, a dictionary of the keys that there are.
"""

import secrets
import sqlite3

import jwt

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer, with_secret

FLAW = "kid-injection"


def make_issuer() -> Issuer:
    """Return the issuer, which shares its secret with the API."""
    return with_secret(secrets.token_hex(32).encode())


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    rightly.check_kind(token)
    kid = jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(
        token,
        find_secret(issuer, kid),
        algorithms=[issuer.algorithm],
        audience=issuer.audience,
        issuer=issuer.url,
        options={"require": rightly.REQUIRED},
    )
    return rightly.check_times(claims)


def find_secret(issuer: Issuer, kid: str) -> str:
    """Return the secret that *kid* names, from the table of them."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE secrets (kid TEXT, secret TEXT)")
    database.execute("INSERT INTO secrets VALUES (?, ?)", (issuer.kid, issuer.key.decode()))
    found = database.execute(f"SELECT secret FROM secrets WHERE kid = '{kid}'").fetchone()  # noqa: S608 - the mistake
    database.close()
    return str(found[0])
