"""What people write who want no library for this. Sound in itself; what is broken is in the file that calls it."""

import json
import time
from dataclasses import dataclass
from typing import Any, Final

from jwt.algorithms import Algorithm, get_default_algorithms
from jwt.utils import base64url_decode

from broken_apis import rightly
from broken_apis.issuer import Claims, Issuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A token taken apart, nothing of it verified."""

    header: dict[str, Any]
    claims: Claims
    signing_input: bytes
    signature: bytes


def parse(token: str) -> Parsed:
    """Take *token* apart."""
    head, payload, signature = token.split(".")
    return Parsed(
        header=json.loads(base64url_decode(head)),
        claims=json.loads(base64url_decode(payload)),
        signing_input=f"{head}.{payload}".encode(),
        signature=base64url_decode(signature),
    )


def check_signature(parsed: Parsed, issuer: Issuer) -> None:
    """Refuse a token that the issuer's key did not sign, by the issuer's algorithm."""
    algorithm = _ALGORITHMS[issuer.algorithm]
    if parsed.header["alg"] != issuer.algorithm:
        raise rightly.Refused
    if not algorithm.verify(parsed.signing_input, algorithm.prepare_key(issuer.public_key), parsed.signature):
        raise rightly.Refused


def check_claims(claims: Claims, issuer: Issuer) -> Claims:
    """Return *claims* if they are for us, from our issuer and of now."""
    rightly.check_times(claims)
    check_parties(claims, issuer)
    now = time.time()
    if not claims.get("nbf", 0) <= now < claims["exp"] or claims["iat"] > now:
        raise rightly.Refused
    return claims


def check_parties(claims: Claims, issuer: Issuer) -> None:
    """Refuse claims of another issuer, or for another API."""
    audience = claims["aud"]
    if claims["iss"] != issuer.url or issuer.audience not in (audience if isinstance(audience, list) else [audience]):
        raise rightly.Refused


_ALGORITHMS: Final[dict[str, Algorithm]] = get_default_algorithms()
