"""P9: a verification costs the same with no revocation in view and with a million."""

from keyturn.testing import TestIssuer
from keyturn.tokens.revocation import RevocationView
from p01_first_verification import BATCH
from rounds import Work, cost, least
from rows import Options, Row, micros
from tokens import issuer_of, make_tokens, revoked_sessions

MANY = 1_000_000


def measure(options: Options) -> list[Row]:
    """Verify seen tokens under an empty view and under a full one: with a signature the difference would drown."""
    issuer = issuer_of("ES256")
    tokens = make_tokens(issuer, BATCH)
    none, many = RevocationView(), revoked_sessions(options.scaled(MANY))
    empty, full = least(options.seconds, _seen(issuer, tokens, none), _seen(issuer, tokens, many))
    ratio = full / empty
    row = Row(
        bar="P9",
        what=f"verification of a token seen before, {len(many):,} revocations in view",
        measured=micros(full),
        beside=f"{micros(empty)} with none",
        ratio=ratio,
        target="<= 1.2",
        met=ratio <= 1.2,
    )
    return [row]


def _seen(issuer: TestIssuer, tokens: list[str], view: RevocationView) -> Work:
    verifier = issuer.verifier(revocations=view)
    for token in tokens:
        verifier.verify(token)
    return lambda: cost(verifier.verify, tokens * 10)
