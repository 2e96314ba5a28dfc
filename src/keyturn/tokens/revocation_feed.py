"""A page of the revocation feed: a signed JWT of its own type, which no other place takes for a token.

A page says what was revoked behind a sequence number, and when it was made. It is public: an entry is a digest.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from keyturn.errors import InvalidToken, InvalidTokenReason
from keyturn.tokens import base64url, jws, strict_json
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.jws import FindKey
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.revocation import RevocationEntry, RevocationKind

TYP: Final = "revocations+jwt"

MAX_ENTRIES: Final = 10_000
"""Entries on one page, at most."""

MAX_PAGE_BYTES: Final = 4 * 1024 * 1024
"""A longer page is refused unread: a full one has less than half of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one page says.

    Attributes:
        issuer: the ``iss``.
        issued_at: the ``iat``, in epoch seconds: how things stood then.
        seq: whoever has taken this page in has seen everything up to here.
        more: whether a page follows at once, behind ``seq``. A page without entries has none behind it, so that
            whoever goes on gets somewhere.
        entries: in the order of their ``seq``, none behind the page's.
        after: the page lacks nothing that follows this place; None if it does not say. So whoever was given the answer
            to somebody else's question, by a cache that looks at the path alone, does not take it for their own.

    """

    issuer: str
    issued_at: int
    seq: int
    more: bool
    entries: tuple[RevocationEntry, ...]
    after: int | None = None


def sign(page: Page, key: SigningKey) -> str:
    """Return *page* as a JWT signed by *key*."""
    members: dict[str, Any] = {
        "iss": page.issuer,
        "iat": page.issued_at,
        "seq": page.seq,
        "more": page.more,
        "entries": [_members(entry) for entry in page.entries],
    }
    if page.after is not None:
        members["after"] = page.after
    return jws.sign(_HEADER, json.dumps(members, separators=(",", ":")).encode("ascii"), key)


def verify(text: str, *, find_key: FindKey, algorithms: frozenset[Algorithm], issuer: str) -> Page:
    """Return the page in *text*, if *issuer* has signed it.

    Raises:
        InvalidToken: malformed, wrong_type, alg_not_allowed, unknown_key, bad_signature, wrong_issuer, missing_claim
            or bad_claim. Nothing of such a page may be used.

    """
    _, payload = jws.verify(text, find_key, algorithms, typ=TYP, max_bytes=MAX_PAGE_BYTES)
    try:
        claims = strict_json.parse_object(payload)
    except ValueError:
        raise InvalidToken(InvalidTokenReason.MALFORMED) from None
    if not claims.keys() >= _REQUIRED:
        raise InvalidToken(InvalidTokenReason.MISSING_CLAIM)
    if claims["iss"] != issuer:
        raise InvalidToken(InvalidTokenReason.WRONG_ISSUER)
    try:
        return _page(claims)
    except (TypeError, ValueError, KeyError):
        raise InvalidToken(InvalidTokenReason.BAD_CLAIM) from None


def _members(entry: RevocationEntry) -> dict[str, Any]:
    members: dict[str, Any] = {
        "seq": entry.seq,
        "kind": entry.kind.value,
        "digest": base64url.encode(entry.digest),
        "exp": entry.expires_at,
    }
    return members if entry.before is None else {**members, "before": entry.before}


def _page(claims: Mapping[str, Any]) -> Page:
    written = claims["entries"]
    if type(written) is not list or len(written) > MAX_ENTRIES:
        raise ValueError("no page")
    more = claims["more"]
    if type(more) is not bool or (more and not written):
        raise ValueError("no page that follows")
    entries = tuple(map(_entry, written))
    seq = _number(claims["seq"])
    if any(one.seq >= next_one.seq for one, next_one in pairwise(entries)) or (entries and entries[-1].seq > seq):
        raise ValueError("out of order")
    return Page(
        issuer=claims["iss"],
        issued_at=_number(claims["iat"]),
        seq=seq,
        more=more,
        entries=entries,
        after=_number(claims["after"]) if "after" in claims else None,
    )


def _entry(members: Any) -> RevocationEntry:  # noqa: ANN401 - any JSON
    if type(members) is not dict:
        raise TypeError("no entry")
    before = members.get("before")
    return RevocationEntry(
        seq=_number(members["seq"]),
        kind=RevocationKind(members["kind"]),
        digest=_digest(members["digest"]),
        before=None if before is None else _number(before),
        expires_at=_number(members["exp"]),
    )


def _digest(text: object) -> bytes:
    if type(text) is not str:
        raise TypeError("no digest")
    return base64url.decode(text)


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
        raise ValueError("no number")
    return value


_HEADER: Final = {"typ": TYP}
_REQUIRED: Final = frozenset({"iss", "iat", "seq", "more", "entries"})
_MAX_NUMBER: Final = 2**53 - 1  # what every JSON parser reads exactly
