"""Checks of who we are and whom tokens are for: issuer, audience, master key, and what development leaves behind."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from keyturn.server.configuration.masking import mask_url
from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.settings import Settings
from keyturn.verify.locations import is_loopback

DEVELOPMENT_AUDIENCE: Final = "my-api"


def host_of(url: str) -> str:
    """Return the host in *url*; nothing if it can't be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The settings, and the names of those that can't be used as they are written: these are not missing."""

    settings: Settings
    refused: frozenset[str] = frozenset()


def _issuer_missing(identity: Identity) -> Sentences:
    if not identity.settings.issuer and "issuer" not in identity.refused:
        yield "issuer has no value."


def _issuer_loopback(identity: Identity) -> Sentences:
    issuer = identity.settings.issuer
    if is_loopback(host_of(issuer)):
        yield f"issuer is {mask_url(issuer)}."


def _audience_missing(identity: Identity) -> Sentences:
    if not identity.settings.access_token.audience and "access_token.audience" not in identity.refused:
        yield "access_token.audience is empty."


def _audience_issuer(identity: Identity) -> Sentences:
    settings = identity.settings
    if settings.issuer and settings.issuer in settings.access_token.audience:
        yield "access_token.audience holds the issuer."


def _audience_development(identity: Identity) -> Sentences:
    for audience in identity.settings.access_token.audience:
        if audience == DEVELOPMENT_AUDIENCE or is_loopback(host_of(audience)):
            yield f"access_token.audience holds {audience}."


def _master_key_missing(identity: Identity) -> Sentences:
    if not identity.settings.keys.master_key.get_secret_value() and "keys.master_key" not in identity.refused:
        yield "keys.master_key has no value."


CHAPTER: Final = Chapter(
    name="identity",
    title="Issuer and audience",
    subject=Identity,
    checks=(
        Check(
            id="issuer-missing",
            severity=Severity.CRITICAL,
            meaning="Tokens name nobody who made them, so a server does not start.",
            mend="Set issuer to the https URL that clients reach the server at.",
            reference="VER-23; RFC 8414 §2",
            judge=_issuer_missing,
        ),
        Check(
            id="issuer-loopback",
            severity=Severity.MEDIUM,
            meaning="Left over from development: only this machine can reach the issuer that stands in every token.",
            mend="Set issuer to the https URL that clients reach the server at.",
            reference="RFC 8414 §2",
            judge=_issuer_loopback,
        ),
        Check(
            id="audience-missing",
            severity=Severity.CRITICAL,
            meaning="A token for nobody in particular is good for everybody, so a server does not start.",
            mend="Set access_token.audience to the names of the APIs that tokens are for.",
            reference="ISS-03; RFC 8725 §3.9; RFC 9068 §3",
            judge=_audience_missing,
        ),
        Check(
            id="audience-issuer",
            severity=Severity.CRITICAL,
            meaning="Tokens for the issuer change passwords: an API could turn those it is handed against users.",
            mend="Give the API a name of its own in access_token.audience.",
            reference="ISS-03; RFC 9700 §2.3",
            judge=_audience_issuer,
        ),
        Check(
            id="audience-development",
            severity=Severity.MEDIUM,
            meaning="Left over from development: tokens are for a name that every developer's API takes too.",
            mend="Name the API as it is reached, such as https://api.example.com, here and in its Keyturn(audience=…).",
            reference="ISS-03; RFC 8725 §3.9",
            judge=_audience_development,
        ),
        Check(
            id="master-key-missing",
            severity=Severity.CRITICAL,
            meaning="Without it no signing key can be opened and no refresh token made, so a server does not start.",
            mend="`keyturn init` makes one in a file; name that in keys.master_key as file:keyturn.key.",
            reference="KEY-10",
            judge=_master_key_missing,
        ),
    ),
)
