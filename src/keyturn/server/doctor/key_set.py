"""Checks of the published key set: nothing secret, nothing weak, and caches that are over before a key signs."""

import re
from collections.abc import Mapping
from typing import Any, Final

from keyturn.errors import InvalidKey
from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.doctor.published import OK, Probe, Published
from keyturn.tokens.algorithms import ASYMMETRIC, PARAMETERS, Algorithm, KeyType, Parameters
from keyturn.tokens.jwk import PRIVATE_MEMBERS
from keyturn.tokens.key_set import parse_key_set
from keyturn.tokens.keys import VerificationKey

LONGEST_CACHE: Final = 3600
"""Seconds after which everybody should look again: a key that is withdrawn in an emergency works for so long."""

MEDIA_TYPES: Final = frozenset({"application/jwk-set+json"})


def _missing(published: Published) -> Sentences:
    answer = published.answered(Probe.KEYS)
    if not published.jwks:
        yield f"The answer has status {answer.status} and no keys." if answer.status else "There is no answer."


def _private(published: Published) -> Sentences:
    for entry in published.jwks:
        if not PRIVATE_MEMBERS.isdisjoint(entry):
            yield f"Key {_kid(entry)} is there with its private part."


def _symmetric(published: Published) -> Sentences:
    for entry in published.jwks:
        if entry.get("kty") == KeyType.OCT or "k" in entry:
            yield f"Key {_kid(entry)} is a shared secret."


def _weak(published: Published) -> Sentences:
    for entry in published.jwks:
        if reason := _refused(entry):
            yield f"Key {_kid(entry)}: {reason}."


def _unusable(published: Published) -> Sentences:
    if published.jwks:
        try:
            parse_key_set({"keys": list(published.jwks)}, algorithms=ASYMMETRIC)
        except InvalidKey as error:
            yield f"An API that is strict takes none of it: {error.reason}."


def _incomplete(published: Published) -> Sentences:
    for entry in published.jwks:
        missing = [name for name in ("kid", "alg", "use") if name not in entry]
        if missing:
            yield f"Key {_kid(entry)} has no {' and no '.join(missing)}."


def _media_type(published: Published) -> Sentences:
    answer = published.answered(Probe.KEYS)
    found = answer.header("content-type").partition(";")[0].strip().lower()
    if published.jwks and found not in MEDIA_TYPES:
        yield f"The media type is {found or 'not given'}."


def _cached_long(published: Published) -> Sentences:
    seconds = max_age(published.answered(Probe.KEYS).header("cache-control"))
    most = min(LONGEST_CACHE, published.publish_ahead or LONGEST_CACHE)
    if seconds is not None and seconds > most:
        yield f"Caches may keep it for {seconds} s, over {most} s."


def _cache_unstated(published: Published) -> Sentences:
    answer = published.answered(Probe.KEYS)
    if answer.status == OK and not answer.header("cache-control"):
        yield "The answer has no Cache-Control."


def _differs(published: Published) -> Sentences:
    if published.kids is None or not published.jwks:
        return
    shown = {_kid(entry) for entry in published.jwks}
    for kid in sorted(published.kids - shown):
        yield f"Key {kid} of the database is not published."
    for kid in sorted(shown - published.kids):
        yield f"Key {kid} is published, and the database does not know it, or has revoked it."


def max_age(cache_control: str) -> int | None:
    """Return for how many seconds an answer may be kept; None if it does not say."""
    found = _MAX_AGE.search(cache_control.lower())
    return int(found[1]) if found else None


def _kid(entry: Mapping[str, Any]) -> str:
    return str(entry.get("kid", "without a kid"))[:_SHOWN]


def _refused(entry: Mapping[str, Any]) -> str:
    """Return why a key of a kind that we know is not good enough; nothing if it is, or if that is told elsewhere."""
    if not _is_known(entry) or entry.get("use", "sig") != "sig" or not PRIVATE_MEMBERS.isdisjoint(entry):
        return ""
    try:
        VerificationKey.from_jwk(entry, algorithm=None if "alg" in entry else _fitting(entry))
    except InvalidKey as error:
        return error.reason
    return ""


def _is_known(entry: Mapping[str, Any]) -> bool:
    return entry["alg"] in tuple(ASYMMETRIC) if "alg" in entry else _fitting(entry) is not None


def _fitting(entry: Mapping[str, Any]) -> Algorithm | None:
    """Return an algorithm that a key without ``alg`` may be for; None for one that we know nothing of."""
    return min((name for name in ASYMMETRIC if _fits(PARAMETERS[name], entry)), default=None)


def _fits(fixed: Parameters, entry: Mapping[str, Any]) -> bool:
    return fixed.key_type == entry.get("kty") and fixed.curve in (None, entry.get("crv"))


CHAPTER: Final = Chapter(
    name="key-set",
    title="Key set of the issuer",
    subject=Published,
    checks=(
        Check(
            id="jwks-missing",
            severity=Severity.CRITICAL,
            meaning="No API that starts now can verify a token.",
            mend="Let the proxy pass on /.well-known/jwks.json; look at GET /readyz.",
            reference="KEY-02; RFC 7517 §5",
            judge=_missing,
        ),
        Check(
            id="jwks-private",
            severity=Severity.CRITICAL,
            meaning="Everybody can sign tokens for anybody.",
            mend="Take it out, and revoke that key: whoever has seen it can use it.",
            reference="KEY-01; RFC 7517 §9.2",
            judge=_private,
        ),
        Check(
            id="jwks-symmetric",
            severity=Severity.CRITICAL,
            meaning="Whoever can read it can sign tokens for anybody.",
            mend="Take it out, and sign with a key pair, such as ES256.",
            reference="KEY-02; RFC 8725 §3.1",
            judge=_symmetric,
        ),
        Check(
            id="jwks-weak",
            severity=Severity.HIGH,
            meaning="The key can be broken, or is none that a strict API takes.",
            mend="Use ES256, EdDSA, or RSA of 2048 bits or more with the exponent 65537.",
            reference="VER-20; RFC 7518 §3.3; RFC 8725 §3.5",
            judge=_weak,
        ),
        Check(
            id="jwks-unusable",
            severity=Severity.HIGH,
            meaning="A set that holds a secret, or one kid twice, is refused as a whole: every token is refused.",
            mend="Publish public keys alone, each with a kid of its own.",
            reference="KEY-01; KEY-09; RFC 7517 §4.5",
            judge=_unusable,
        ),
        Check(
            id="jwks-incomplete",
            severity=Severity.LOW,
            meaning="An API has to guess which key, or which algorithm, is meant; strict ones skip the key.",
            mend="Publish kid, alg and use with each key.",
            reference="KEY-02; VER-11; RFC 8725 §3.1",
            judge=_incomplete,
        ),
        Check(
            id="jwks-media-type",
            severity=Severity.LOW,
            meaning="A cache or a scanner on the way may take it for something else.",
            mend="Serve it as application/jwk-set+json.",
            reference="KEY-02; RFC 7517 §8.5",
            judge=_media_type,
        ),
        Check(
            id="jwks-cached-long",
            severity=Severity.MEDIUM,
            meaning="A new key signs before everybody has it, and a withdrawn one is taken for so long.",
            mend="Let Cache-Control say max-age=300; look for a proxy that changes it.",
            reference="KEY-03",
            judge=_cached_long,
        ),
        Check(
            id="jwks-cache-unstated",
            severity=Severity.LOW,
            meaning="Each cache decides for itself how long it keeps keys that were withdrawn.",
            mend="Let Cache-Control say max-age=300; look for a proxy that removes it.",
            reference="KEY-03; RFC 9111 §4.2.2",
            judge=_cache_unstated,
        ),
        Check(
            id="jwks-differs",
            severity=Severity.HIGH,
            meaning="This issuer runs on another database, or a cache in between is out of date: tokens are refused.",
            mend="Compare database.url here and there; look at what is between.",
            reference="KEY-03; KEY-04",
            judge=_differs,
        ),
    ),
)

_MAX_AGE: Final = re.compile(r'(?:^|[\s,])max-age="?([0-9]{1,9})')
_SHOWN: Final = 128
