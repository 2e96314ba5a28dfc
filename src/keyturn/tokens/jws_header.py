"""The JOSE header of a JWS, as far as it is trusted: to name an algorithm, a key and a type (RFC 7515 §4.1).

Nothing in it ever brings a key, changes how the token is read, or switches an extension on: a header that
tries is refused as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from keyturn.errors import InvalidToken, InvalidTokenReason
from keyturn.tokens import base64url, jwk, strict_json
from keyturn.tokens.algorithms import PARAMETERS, Algorithm

MAX_HEADER_BYTES: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header that breaks no rule.

    Attributes:
        algorithm: the ``alg``; None if we know none of that name.
        kid: the ``kid``; None if there is none, or one that could name no key of ours.
        typ: the ``typ`` as :func:`media_type` writes it; None without ``typ``.
        members: all of it, read-only.

    """

    algorithm: Algorithm | None
    kid: str | None
    typ: str | None
    members: Mapping[str, Any]


# A pure function of the segment, and tokens of one key share theirs. Refusals are not kept.
@lru_cache(maxsize=256)
def parse_header(segment: bytes) -> Header:
    """Return the header in the base64url *segment*.

    Raises:
        InvalidToken: malformed: too long, not strict JSON, a member of the wrong type, or a forbidden one.

    """
    if len(segment) > _MAX_SEGMENT:
        raise InvalidToken(InvalidTokenReason.MALFORMED)
    try:
        members = strict_json.parse_object(base64url.decode(segment))
    except ValueError:
        raise InvalidToken(InvalidTokenReason.MALFORMED) from None
    if not _FORBIDDEN.isdisjoint(members):
        raise InvalidToken(InvalidTokenReason.MALFORMED)
    alg, kid, typ = _text(members, "alg"), _text(members, "kid"), _text(members, "typ")
    if alg is None or len(kid or "") > jwk.MAX_KID_LENGTH:
        raise InvalidToken(InvalidTokenReason.MALFORMED)
    return Header(
        algorithm=Algorithm(alg) if alg in PARAMETERS else None,
        kid=kid if kid is not None and jwk.KID.fullmatch(kid) else None,
        typ=None if typ is None else media_type(typ),
        members=MappingProxyType(members),
    )


def media_type(typ: str) -> str:
    """Return *typ* in one spelling: lower case, without the ``application/`` that may be left out (RFC 7515 §4.1.9)."""
    folded = typ.lower() if typ.isascii() else typ
    return folded.removeprefix("application/")


def _text(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    if name in members and not isinstance(value, str):
        raise InvalidToken(InvalidTokenReason.MALFORMED)
    return value


_MAX_SEGMENT: Final = -(-MAX_HEADER_BYTES * 4 // 3)

_FORBIDDEN: Final = frozenset(
    {
        *("jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"),  # would bring a key (RFC 8725 §3.10)
        "crit",  # no extension is implemented, so none can be understood (RFC 7515 §4.1.11)
        "b64",  # would change what is signed (RFC 7797 §7)
        *("zip", "enc"),  # belong to an encrypted token
    }
)
