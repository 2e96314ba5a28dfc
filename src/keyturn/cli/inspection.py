"""What can be said of a token: pure, from the token, the keys and the revocation log. Never the token itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from keyturn.core import refresh
from keyturn.core.model import Session
from keyturn.core.policy import Enforcement
from keyturn.core.refresh import Verdict
from keyturn.errors import InvalidToken, InvalidTokenReason, TokenExpired
from keyturn.tokens import access_token, jws, strict_json
from keyturn.tokens.access_token import AccessToken, Expected
from keyturn.tokens.jws import FindKey
from keyturn.tokens.revocation import RevocationEntry

GOOD: Final = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What an access token says, and what it is worth.

    Attributes:
        header: as it stands there; an attacker may have written it.
        claims: likewise.
        verdict: ``good``, or the `InvalidTokenReason`.
        revoked_by: the kinds of revocation that cover it.
        sid: the session of a token that is ours; None of any other, whatever it claims.

    """

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    verdict: str
    revoked_by: tuple[str, ...] = ()
    sid: str | None = None


def inspect(
    text: str,
    *,
    find_key: FindKey,
    revoked_kids: frozenset[str],
    entries: Iterable[RevocationEntry],
    expected: Expected,
    now: float,
) -> Inspection:
    """Return what there is to say of the access token *text*.

    Args:
        text: the token.
        find_key: returns the key that a ``kid`` names, or None.
        revoked_kids: the keys that were revoked in an emergency.
        entries: the revocation log.
        expected: what this issuer's own APIs take.
        now: the time, in epoch seconds.

    """
    header, claims = _decoded(text)
    try:
        token = access_token.verify_expired_too(text, find_key=find_key, expected=expected, now=now)
    except InvalidToken as refusal:
        if refusal.reason is InvalidTokenReason.UNKNOWN_KEY and header.get("kid") in revoked_kids:
            return Inspection(header=header, claims=claims, verdict=InvalidTokenReason.REVOKED, revoked_by=("kid",))
        return Inspection(header=header, claims=claims, verdict=refusal.reason)
    revoked_by = _revoked_by(token, entries, now)
    verdict = InvalidTokenReason.REVOKED if revoked_by else _age(token, expected, now)
    return Inspection(header=header, claims=claims, verdict=verdict, revoked_by=revoked_by, sid=token.sid)


def refresh_verdict(session: Session | None, *, generation: int, grace_ms: int, now_ms: int) -> str:
    """Return ``good`` for a refresh token that is its session's current one, else what `core.refresh` says of it."""
    verdict = refresh.judge(
        session,
        presented=generation,
        now_ms=now_ms,
        grace_ms=grace_ms,
        binding=Enforcement.OFF,
        browser="",
        device_id=None,
    )
    return GOOD if verdict is Verdict.CURRENT else verdict.value  # the rule says so of the current generation


def _decoded(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return header and claims, nothing verified; of what can't be read, nothing."""
    try:
        parsed = jws.parse(text)
    except InvalidToken:
        return {}, {}
    try:
        return parsed.header.members, strict_json.parse_object(parsed.payload)
    except ValueError:
        return parsed.header.members, {}


def _revoked_by(token: AccessToken, entries: Iterable[RevocationEntry], now: float) -> tuple[str, ...]:
    covering = (entry.kind.value for entry in entries if _covers(entry, token, now))
    return tuple(dict.fromkeys(covering))


def _covers(entry: RevocationEntry, token: AccessToken, now: float) -> bool:
    if entry.digest not in token.revocation_digests or now >= entry.expires_at:
        return False
    return entry.before is None or token.issued_at <= entry.before


def _age(token: AccessToken, expected: Expected, now: float) -> str:
    try:
        access_token.still_valid(token, expected=expected, now=now)
    except TokenExpired:
        return InvalidTokenReason.EXPIRED
    return GOOD
