"""The API under attack, and a workshop that signs with its issuer's own keys whatever an attacker could wish for.

One verifier knows a key of each asymmetric algorithm, another a secret of each symmetric one: a token can so be tried
against the key it was made for and against all others.
"""

import json
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from keyturn import InvalidToken, Verifier
from keyturn.tokens import base64url
from keyturn.tokens.access_token import AccessToken
from keyturn.tokens.algorithms import ASYMMETRIC, ISSUER_ALGORITHMS, SYMMETRIC, Algorithm
from keyturn.tokens.keys import SigningKey

NOW: Final = 1_800_000_000
ISSUER: Final = "https://auth.example.com"
AUDIENCE: Final = "https://api.example.com"

#: What an issuer may sign with: each attack is tried with all of them where it applies.
ALGORITHMS: Final = tuple(sorted(ISSUER_ALGORITHMS))

#: A refusal may cost this much CPU, in seconds. It is asked again before it is called slow: a machine may stumble.
MAX_SECONDS: Final = 0.005
_TRIES: Final = 5

Json = Mapping[str, Any] | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The API's verifier as tokens of one algorithm see it.

    Attributes:
        algorithm: what the issuer signs with.
        key: the issuer's key.
        verifier: the API's.

    """

    algorithm: Algorithm
    key: SigningKey
    verifier: Verifier

    @property
    def header(self) -> dict[str, Any]:
        """The header of a good token."""
        return {"alg": self.algorithm.value, "kid": kid_of(self.algorithm), "typ": "at+jwt"}

    def sign(self, claims: Json | None = None, header: Json | None = None) -> str:
        """Return what the issuer's key makes of any claims and any header; good ones unless given."""
        head = segment(self.header if header is None else header)
        signing_input = f"{head}.{segment(good_claims() if claims is None else claims)}"
        return f"{signing_input}.{base64url.encode(self.key.sign(signing_input.encode()))}"

    def with_claims(self, **changes: object) -> str:
        """Return a signed token with other claims; ``...`` leaves one out."""
        return self.sign(changed(good_claims(), changes))

    def with_header(self, **changes: object) -> str:
        """Return a signed token with other members of the header; ``...`` leaves one out."""
        return self.sign(None, changed(self.header, changes))

    def accept(self, text: str) -> AccessToken:
        """Assert that *text* is taken, by both faces of the verifier, and return the token."""
        token = self.verifier.verify(text)
        assert _finish(self.verifier.verify_async(text)) == token
        return token

    def refuse(self, text: Any, *reasons: str) -> str:
        """Assert that both faces refuse *text* with InvalidToken, soon, for one of *reasons* if any; return why."""
        reason = _refusal(self.verifier.verify, text)
        assert _refusal(lambda text: _finish(self.verifier.verify_async(text)), text) == reason
        assert not reasons or reason in reasons, f"{reason}: {text!r:.2000}"
        assert any(_seconds(self.verifier, text) < MAX_SECONDS for _ in range(_TRIES)), "it takes too long"
        return reason


@cache
def target(algorithm: Algorithm) -> Target:
    """Return the API that takes tokens of *algorithm*."""
    return Target(algorithm=algorithm, key=key_of(algorithm), verifier=_verifier(algorithm in SYMMETRIC))


@cache
def key_of(algorithm: Algorithm) -> SigningKey:
    """Return the issuer's key of *algorithm*, made once."""
    return SigningKey.generate(algorithm)


def kid_of(algorithm: Algorithm) -> str:
    """Return the name that the issuer gives it."""
    return f"key-{algorithm}"


def jwk_of(algorithm: Algorithm) -> dict[str, str]:
    """Return the JWK of it, as the API got it."""
    key = key_of(algorithm)
    if algorithm in SYMMETRIC:
        secret = base64url.encode(key.to_bytes())
        return {"kty": "oct", "alg": algorithm.value, "kid": kid_of(algorithm), "k": secret}
    return {**key.public.to_jwk(), "kid": kid_of(algorithm)}


def good_claims() -> dict[str, Any]:
    """Return claims with which a token is good, to spoil them."""
    return {
        "iss": ISSUER,
        "sub": "user-1",
        "aud": AUDIENCE,
        "exp": NOW + 600,
        "iat": NOW,
        "jti": "jti-1",
        "client_id": "first-party",
        "sid": "sid-1",
        "auth_time": NOW,
        "scope": "orders:read",
        "roles": ["user"],
    }


def changed(members: Mapping[str, Any], changes: Mapping[str, object]) -> dict[str, Any]:
    """Return *members* with *changes*; what becomes ``...`` is left out."""
    return {name: value for name, value in {**members, **changes}.items() if value is not ...}


def segment(part: Json) -> str:
    """Return *part* as a segment of a token."""
    data = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64url.encode(data)


@cache
def _verifier(symmetric: bool) -> Verifier:
    family = SYMMETRIC if symmetric else ASYMMETRIC
    keys = [jwk_of(algorithm) for algorithm in ALGORITHMS if algorithm in family]
    return Verifier(ISSUER, AUDIENCE, algorithms=family, jwks={"keys": keys}, clock=lambda: NOW)


def forget_verified() -> None:
    """Make the API anew, with the same keys: what a planted fault let in, its cache would take for verified."""
    target.cache_clear()
    _verifier.cache_clear()


def _refusal(verify: Any, text: Any) -> str:
    try:
        verify(text)
    except InvalidToken as refused:
        return refused.reason.value
    raise AssertionError(f"accepted: {text!r:.2000}")


def _seconds(verifier: Verifier, text: Any) -> float:
    began = time.thread_time()
    try:
        verifier.verify(text)
    except InvalidToken:
        return time.thread_time() - began
    raise AssertionError("accepted at another try")


def _finish(flow: Coroutine[Any, Any, AccessToken]) -> AccessToken:
    """Run *flow*, which waits for nothing: its keys are at hand."""
    try:
        flow.send(None)
    except StopIteration as done:
        token: AccessToken = done.value
        return token
    raise AssertionError("it waits for something")
