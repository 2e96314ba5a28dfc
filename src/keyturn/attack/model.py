"""The words of this room: a route, a shot at it, an answer, a verdict. Values alone."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How bad a flaw is. In this order."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    def reaches(self, bar: "Severity") -> bool:
        """Say whether this is at least as bad as *bar*."""
        return _ORDER.index(self) <= _ORDER.index(bar)


class Verdict(StrEnum):
    """What became of a case on a route."""

    FLAW = "flaw"
    INCONCLUSIVE = "inconclusive"
    NOT_PLAYED = "not_played"
    SOUND = "sound"


class Need(StrEnum):
    """What has to be handed over before a case can be played."""

    NOTHING = "nothing"
    TOKEN = "token"
    JWT = "jwt"
    PUBLIC_KEY = "public_key"
    KEY = "key"
    REVOCATION = "revocation"
    ISSUER = "issuer"


class Expectation(StrEnum):
    """Whether a route is known to ask for a token: somebody named it, or its description says so."""

    PROTECTED = "protected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A URL and a method of the target.

    Attributes:
        method: in capitals.
        path: begins with a slash; with its query, if it has one.
        expectation: whether an answer without a token is a flaw.

    """

    method: str
    path: str
    expectation: Expectation = Expectation.PROTECTED

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One hostile request, as a change of the ordinary one.

    Attributes:
        variant: what is special about it, in a few words without any secret.
        authorization: the values of its ``Authorization`` headers.
        headers: further headers.
        query: further parameters of the query.
        method: another method than the route's.
        path: another path than the route's.
        primed_by: the ``Authorization`` of an ordinary request that goes ahead of it.

    """

    variant: str
    authorization: tuple[str, ...] = field(default=(), repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    method: str | None = None
    path: str | None = None
    primed_by: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What of an answer is judged; the text itself is not kept.

    Attributes:
        status: the HTTP status.
        shape: a hash over the kind of its body: its type, and of a JSON object the names in it.
        kinds: the same over the names in a JSON object and the kinds of what they name.
        challenge: whether it asks for a bearer token (RFC 6750 §3).
        leaks: what of the request or of the program's inside the answer shows; empty for nothing.
        retry_after: seconds after which to try again, where it says so.

    """

    status: int
    shape: str = field(default="", repr=False)
    kinds: str = field(default="", repr=False)
    challenge: bool = False
    leaks: tuple[str, ...] = ()
    retry_after: float | None = None


def bearer(variant: str, token: str) -> Shot:
    """Return the shot that sends *token* as everybody does."""
    return Shot(variant=variant, authorization=(f"Bearer {token}",))


_ORDER: Final = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
