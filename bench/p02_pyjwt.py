"""P2: the first verification of a token, against PyJWT with its key at hand and the same claims required."""

import jwt

from keyturn.testing import TestIssuer
from p01_first_verification import BATCH, first_time
from rounds import Work, cost, least
from rows import Options, Row, micros
from tokens import AUDIENCE, ISSUER, issuer_of, make_tokens

TARGETS = {"ES256": 1.4, "RS256": 2.3}
REQUIRED = ["iss", "aud", "sub", "jti", "client_id", "iat", "exp"]


def measure(options: Options) -> list[Row]:
    """Verify the same distinct tokens with both libraries."""
    return [_measure(options, algorithm, target) for algorithm, target in TARGETS.items()]


def _measure(options: Options, algorithm: str, target: float) -> Row:
    issuer = issuer_of(algorithm)
    tokens = make_tokens(issuer, BATCH)
    ours, theirs = least(options.seconds, first_time(issuer, tokens), _pyjwt(issuer, tokens, algorithm))
    ratio = theirs / ours
    return Row(
        bar="P2",
        what=f"first verification of a token, {algorithm}",
        measured=micros(ours),
        beside=f"{micros(theirs)} PyJWT {jwt.__version__}",
        ratio=ratio,
        target=f">= {target} times as fast",
        met=ratio >= target,
    )


def _pyjwt(issuer: TestIssuer, tokens: list[str], algorithm: str) -> Work:
    (jwk,) = issuer.jwks["keys"]
    key = jwt.PyJWK(jwk).key
    reader = jwt.PyJWT()

    def decode(token: str) -> object:
        return reader.decode(
            token, key, algorithms=[algorithm], audience=AUDIENCE, issuer=ISSUER, options={"require": REQUIRED}
        )

    return lambda: cost(decode, tokens)
