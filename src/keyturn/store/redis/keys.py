"""What our keys in Redis are called.

All of them carry one hash tag, so that a Cluster keeps them in one slot: the limits of one request are drawn in one
atomic call, and one ``MGET`` asks for all that could revoke a token. One node of a Cluster bears all of it. That is a
few small commands a login, which is nothing beside the password hash that goes with it.

The names say nothing about which installation they belong to: each has a database (the number in the URL) or a server
of its own.
"""

from typing import Final

from keyturn.tokens import base64url
from keyturn.tokens.revocation import RevocationKind

PREFIX: Final = "{keyturn}:"

PROBE: Final = f"{PREFIX}probe"
"""Written by whoever wants to know whether Redis is back."""

NEWEST_REVOCATION: Final = f"{PREFIX}revoked:seq"
"""Holds the highest ``seq`` that the mirror of the denylist has taken in."""

NEWS: Final = f"{PREFIX}revocations"
"""The channel that says that there are new revocations; a message is the newest ``seq``."""


def rate_limit(digest: bytes) -> str:
    """Return the key of one rate limit's TAT in epoch microseconds."""
    return f"{PREFIX}limit:{digest.hex()}"


def revoked(kind: RevocationKind, digest: bytes) -> str:
    """Return the key of one revocation."""
    return f"{PREFIX}revoked:{kind.value}:{base64url.encode(digest)}"


def used_token(digest: bytes) -> str:
    """Return the key of one token that was used; its value is the token's ``expires_at``."""
    return f"{PREFIX}used:{base64url.encode(digest)}"
