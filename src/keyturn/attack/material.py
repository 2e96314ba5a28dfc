"""What shots are made of: the token and the keys that were handed over, a stranger's key, the time, randomness."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keyturn.attack import crafting
from keyturn.attack.crafting import Sign
from keyturn.attack.model import Route
from keyturn.tokens import base64url
from keyturn.tokens.algorithms import ASYMMETRIC, Algorithm
from keyturn.tokens.keys import SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The issuer's signing key, handed over for the test.

    Attributes:
        algorithm: its ``alg``.
        kid: its name in a token's header, or None.
        sign: from signing input to signature.
        public: its public JWK; None for a secret.

    """

    algorithm: str
    kid: str | None
    sign: Sign = field(repr=False)
    public: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that a shot at one route can be made of.

    Attributes:
        good: a token that the target ought to take.
        header: its header; empty for an opaque token.
        claims: its claims; empty for an opaque token.
        signature: the bytes of its signature.
        route: where the shot goes.
        now: epoch seconds.
        lifetime: seconds that a fresh token lives, as the issuer's own do.
        draw: makes so many random bytes.
        stranger: a key of ours, which no target trusts.
        signer: the issuer's key, or None.
        public_keys: the issuer's public keys, as JWKs.
        canary: a URL at which nothing of the target's has any business.

    """

    good: str = field(repr=False)
    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)
    signature: bytes = field(repr=False)
    route: Route
    now: int
    lifetime: int
    draw: Callable[[int], bytes] = field(repr=False)
    stranger: SigningKey
    signer: Signer | None = None
    public_keys: tuple[Mapping[str, Any], ...] = ()
    canary: str

    @property
    def algorithm(self) -> str:
        """The ``alg`` of the good token; empty for an opaque one."""
        alg = self.header.get("alg")
        return alg if isinstance(alg, str) else ""

    def name(self) -> str:
        """Return a new random name, such as a ``jti`` is."""
        return base64url.encode(self.draw(12))

    def fresh_claims(self, **changes: object) -> dict[str, Any]:
        """Return the good claims as of now, under a new ``jti``, with *changes*; None leaves a claim out."""
        times = {"iat": self.now, "exp": self.now + self.lifetime, "jti": self.name()}
        if "nbf" in self.claims:
            times["nbf"] = self.now
        changed = {**self.claims, **times, **changes}
        return {name: value for name, value in changed.items() if value is not None}

    def own_header(self, **changes: object) -> dict[str, Any]:
        """Return the good header with *changes*; None leaves a member out."""
        changed = {**self.header, **changes}
        return {name: value for name, value in changed.items() if value is not None}

    def signed(self, claims: Mapping[str, Any] | bytes, header: Mapping[str, Any] | bytes | None = None) -> str:
        """Return a token that the issuer's key has signed; cases that call this need the key."""
        if self.signer is None:
            raise LookupError("no signing key was handed over")
        return crafting.compact(self.own_header() if header is None else header, claims, self.signer.sign)

    def by_stranger(self, **header: object) -> str:
        """Return a token that our own key has signed, its header changed by *header*."""
        head = self.own_header(alg=self.stranger.algorithm.value, **header)
        return crafting.compact(head, self.fresh_claims(), self.stranger.sign)


def read_token(text: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Return header, claims and signature of *text*, nothing verified; all empty for an opaque token."""
    try:
        header, payload, signature = text.split(".")
        parts = json.loads(base64url.decode(header)), json.loads(base64url.decode(payload))
        raw = base64url.decode(signature)
    except (ValueError, RecursionError):
        return {}, {}, b""
    if not all(isinstance(part, dict) for part in parts):
        return {}, {}, b""
    return parts[0], parts[1], raw


def stranger_for(algorithm: str) -> SigningKey:
    """Return a new key of the kind that *algorithm* takes; of the usual kind where that is a secret, or unknown."""
    known = algorithm in {name.value for name in ASYMMETRIC}
    return SigningKey.generate(Algorithm(algorithm) if known else Algorithm.ES256)
