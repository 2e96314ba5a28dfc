"""P1: what we add to the bare signature check, the first time that an ES256 token is seen."""

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from keyturn.testing import TestIssuer
from keyturn.tokens import base64url
from rounds import Work, cost, least
from rows import Options, Row, micros
from tokens import issuer_of, make_tokens

BATCH = 100


def measure(options: Options) -> list[Row]:
    """Verify the same distinct tokens with a fresh :class:`keyturn.Verifier`, and their signatures alone."""
    issuer = issuer_of("ES256")
    tokens = make_tokens(issuer, BATCH)
    ours, raw = least(options.seconds, first_time(issuer, tokens), _raw(issuer, tokens))
    ratio = ours / raw
    row = Row(
        bar="P1",
        what="first verification of an ES256 token",
        measured=micros(ours),
        beside=f"{micros(raw)} cryptography's verify alone",
        ratio=ratio,
        target="<= 1.15",
        met=ratio <= 1.15,
    )
    return [row]


def first_time(issuer: TestIssuer, tokens: list[str]) -> Work:
    """Return the work of verifying each of *tokens* for the first time; a verifier of its own has seen none."""
    warm_up = issuer.make_token()

    def work() -> float:
        verifier = issuer.verifier()
        verifier.verify(warm_up)
        return cost(verifier.verify, tokens)

    return work


def _raw(issuer: TestIssuer, tokens: list[str]) -> Work:
    (jwk,) = issuer.jwks["keys"]
    x, y = (int.from_bytes(base64url.decode(jwk[name])) for name in "xy")
    key = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    algorithm = ECDSA(SHA256())
    parts = {token: _split(token) for token in tokens}

    def verify(token: str) -> None:
        signature, content = parts[token]
        key.verify(signature, content, algorithm)

    return lambda: cost(verify, tokens)


def _split(token: str) -> tuple[bytes, bytes]:
    content, _, encoded = token.rpartition(".")
    signature = base64url.decode(encoded)
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    return encode_dss_signature(r, s), content.encode()
