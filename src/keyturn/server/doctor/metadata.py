"""Checks of the metadata (RFC 8414): that it is there, names this issuer, and offers nothing that is unsafe."""

from typing import Any, Final

from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.doctor.published import OK, Probe, Published, origin_of


def _missing(published: Published) -> Sentences:
    if not published.metadata:
        answer = published.answered(Probe.METADATA)
        how = "is no JSON object" if answer.status == OK else f"has status {answer.status}"
        yield f"The answer {how}." if answer.status else "There is no answer."


def _other_issuer(published: Published) -> Sentences:
    named = published.metadata.get("issuer")
    if published.metadata and named != published.issuer:
        yield f"It says {named} instead of {published.issuer}."


def _elsewhere(published: Published) -> Sentences:
    for name, value in published.metadata.items():
        is_url = name == "jwks_uri" or name.endswith("_endpoint")
        if is_url and origin_of(value) != origin_of(published.metadata.get("issuer")):
            yield f"{name} is {value}."


def _password_grant(published: Published) -> Sentences:
    if "password" in _list(published, "grant_types_supported"):
        yield "grant_types_supported holds 'password'."


def _implicit(published: Published) -> Sentences:
    for response_type in _list(published, "response_types_supported"):
        if isinstance(response_type, str) and "token" in response_type.split():
            yield f"response_types_supported holds {response_type}."


def _list(published: Published, name: str) -> list[Any]:
    value = published.metadata.get(name)
    return value if isinstance(value, list) else []


CHAPTER: Final = Chapter(
    name="metadata",
    title="Metadata of the issuer",
    subject=Published,
    checks=(
        Check(
            id="metadata-missing",
            severity=Severity.HIGH,
            meaning="Clients that find out by themselves where to go find nothing.",
            mend="Let the proxy pass on /.well-known/oauth-authorization-server, with the issuer's path behind it.",
            reference="KEY-12; RFC 8414 §3",
            judge=_missing,
        ),
        Check(
            id="metadata-issuer",
            severity=Severity.CRITICAL,
            meaning="Clients have to refuse it: one issuer could speak for another.",
            mend="Set issuer to the very URL that clients and APIs are given.",
            reference="KEY-12; RFC 8414 §3.3",
            judge=_other_issuer,
        ),
        Check(
            id="metadata-elsewhere",
            severity=Severity.MEDIUM,
            meaning="Keys or endpoints are at another origin: who has that one can sign tokens, or collects them.",
            mend="Serve everything from the issuer's own origin.",
            reference="KEY-08; RFC 9700 §4.4",
            judge=_elsewhere,
        ),
        Check(
            id="password-grant",
            severity=Severity.HIGH,
            meaning="Each client gets to see users' passwords, and learns users to hand them over.",
            mend="Switch the grant off.",
            reference="RFC 9700 §2.4",
            judge=_password_grant,
        ),
        Check(
            id="implicit-grant",
            severity=Severity.MEDIUM,
            meaning="Access tokens travel in URLs, and stay in histories, logs and Referer headers.",
            mend="Offer response_type code alone, with PKCE.",
            reference="RFC 9700 §2.1.2",
            judge=_implicit,
        ),
    ),
)
