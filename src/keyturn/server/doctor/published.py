"""What an issuer shows to everybody: its answers to a few harmless questions, and what can be read from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from keyturn.tokens import strict_json

EVIL_ORIGIN: Final = "https://evil.example"
EVIL_HOST: Final = "evil.example"

OK: Final = 200


class Probe(StrEnum):
    """A question."""

    METADATA = "metadata"
    KEYS = "key set"
    FEED = "revocation feed"
    READY = "readiness"
    METRICS = "metrics"
    METRICS_FORWARDED = "metrics, as if for this machine"
    ORIGIN = "an origin that nobody knows"
    NULL_ORIGIN = "the origin null"
    HOST = "a host that nobody knows"
    LOGOUT = "a logout of nobody"
    TOKEN = "a refresh with no token of ours"
    DOCS = "documentation"
    PLAIN = "the same over plain HTTP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer.

    Attributes:
        headers: names in lower case.
        at_ms: when it came, by our clock, epoch milliseconds: the middle between question and answer.
        took_ms: between them.

    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    at_ms: int = 0
    took_ms: int = 0

    def header(self, name: str) -> str:
        """Return the header *name*, several of it with commas between; nothing if it is not there."""
        return ", ".join(self.all(name))

    def all(self, name: str) -> list[str]:
        """Return each header *name*."""
        return [value for known, value in self.headers if known == name]

    def document(self) -> Mapping[str, Any]:
        """Return the JSON object in it; an empty one if there is none."""
        try:
            return strict_json.parse_object(self.body) if self.status == OK else {}
        except ValueError:
            return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What stands behind an https URL: until when, epoch seconds, and through which version of TLS it was shown."""

    expires_at: int
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was asked, and what came of it.

    Attributes:
        issuer: how the issuer is to call itself.
        asked_at: where it was asked; the same, unless it is behind something.
        answers: those that came.
        now: the time by our clock, epoch seconds.
        certificate: None where there is none, or none that was trusted.
        kids: the keys that are to be published; None where nobody could look.
        publish_ahead: seconds that a key is published before it signs; 0 where that is not known.

    """

    issuer: str
    asked_at: str
    answers: Mapping[Probe, Answer]
    now: int
    certificate: Certificate | None = None
    kids: frozenset[str] | None = None
    publish_ahead: int = 0

    def answered(self, probe: Probe) -> Answer:
        """Return the answer to *probe*; one with status 0 if none came."""
        return self.answers.get(probe, Answer(status=0))

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata; empty if there is none."""
        return self.answered(Probe.METADATA).document()

    @property
    def jwks(self) -> tuple[Mapping[str, Any], ...]:
        """The entries of the key set."""
        entries = self.answered(Probe.KEYS).document().get("keys")
        return tuple(each for each in entries if isinstance(each, Mapping)) if isinstance(entries, list) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whether anybody answers.

    Attributes:
        silence: why nobody does; empty if somebody does.
        is_distrusted: whether that is for a certificate that is not to be trusted.

    """

    asked_at: str
    silence: str = ""
    is_distrusted: bool = False


def origin_of(url: object) -> str:
    """Return scheme, host and port of *url*; nothing if it is none."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
