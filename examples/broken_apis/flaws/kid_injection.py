"""The secret is the file that ``kid`` names: ``../../../dev/null`` is a secret that everybody knows.

RFC 8725 §3.10; CWE-22. Rightly: ``kid`` is looked up in a dictionary of the keys that there are, and is nothing else.
"""

import atexit
import hmac
import secrets
import tempfile
from pathlib import Path

from broken_apis import by_hand, rightly
from broken_apis.issuer import Claims, Issuer, with_secret

FOLDER = tempfile.TemporaryDirectory(prefix="secrets-")
atexit.register(FOLDER.cleanup)


def make_issuer() -> Issuer:
    """Return the issuer, and keep the secret that it shares with the API in a file of the key's name."""
    issuer = with_secret(secrets.token_hex(32).encode(), kid=f"orders-{secrets.token_hex(4)}.key")
    Path(FOLDER.name, issuer.kid).write_bytes(issuer.key)
    return issuer


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    rightly.check_kind(token)
    parsed = by_hand.parse(token)
    if parsed.header["alg"] != issuer.algorithm:
        raise rightly.Refused
    secret = Path(f"{FOLDER.name}/{parsed.header['kid']}").read_bytes()  # the mistake
    if not hmac.compare_digest(hmac.digest(secret, parsed.signing_input, "sha256"), parsed.signature):
        raise rightly.Refused
    return by_hand.check_claims(parsed.claims, issuer)
