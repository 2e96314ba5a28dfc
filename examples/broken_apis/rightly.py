"""What a token needs beside PyJWT's own checks, so that an API takes what its issuer signed and nothing else.

A broken API leaves one of these out, or does it in its own way; the others it calls. :func:`verify` is all of them.
"""

import json
import re
from typing import Any, Final

import jwt
from jwt.utils import base64url_decode, base64url_encode

from broken_apis.issuer import LIFETIME_SECONDS, TYPE, Claims, Issuer

REQUIRED: Final = ["iss", "sub", "aud", "exp", "iat"]


class Refused(Exception):
    """The token is no good."""


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*.

    Raises:
        Refused: it is not in the one form that our issuer writes.
        jwt.InvalidTokenError: its signature or its claims are not good.

    """
    check_form(token)
    check_header(token, issuer)
    return check_times(
        jwt.decode(
            token,
            issuer.public_key,
            algorithms=[issuer.algorithm],
            audience=issuer.audience,
            issuer=issuer.url,
            options={"require": REQUIRED},
        )
    )


def check_form(token: str) -> None:
    """Refuse a token that could be read in two ways.

    PyJWT takes what Python's decoders take: base64 with stray bits (RFC 7515 §2), JSON in UTF-16 (RFC 8725 §3.7) and
    members that are there twice (RFC 7515 §4).
    """
    check_alphabet(token)
    check_encoding(token)
    check_members(token)


def check_alphabet(token: str) -> None:
    """Take three segments of canonical base64url: no other text has the same bytes."""
    if not _COMPACT.fullmatch(token):
        raise Refused
    for segment in token.split("."):
        if base64url_encode(base64url_decode(segment)).decode() != segment:
            raise Refused


def check_encoding(token: str) -> None:
    """Take UTF-8 alone; JSON has no zero byte, and UTF-16 is full of them."""
    for part in _json_parts(token):
        if b"\0" in part or part.startswith(b"\xef\xbb\xbf"):
            raise Refused
        part.decode("utf-8")


def check_members(token: str) -> None:
    """Take objects that say each thing once."""
    for part in _json_parts(token):
        json.loads(part, object_pairs_hook=_once)


def check_header(token: str, issuer: Issuer) -> None:
    """Take an access token that names the one key that there is."""
    check_kind(token)
    if jwt.get_unverified_header(token).get("kid") != issuer.kid:
        raise Refused


def check_kind(token: str) -> None:
    """Take an access token (RFC 9068 §4) without extensions (RFC 7515 §4.1.11, RFC 7797 §7)."""
    header = jwt.get_unverified_header(token)
    if header.get("typ") != TYPE or not header.keys().isdisjoint(_EXTENSIONS):
        raise Refused


def check_times(claims: Claims) -> Claims:
    """Return *claims* if their times are whole numbers, and not further apart than any token of our issuer's.

    PyJWT takes ``"9999999999"`` and ``true`` for a time, and one in the year 33658 too.
    """
    if not all(type(claims[name]) is int for name in ("exp", "iat", "nbf") if name in claims):
        raise Refused
    check_lifetime(claims)
    return claims


def check_lifetime(claims: Claims) -> None:
    """Refuse a token that lives longer than our issuer's, if it ends at all."""
    if "exp" in claims and claims["exp"] - claims["iat"] > LIFETIME_SECONDS:
        raise Refused


def _json_parts(token: str) -> list[bytes]:
    return [base64url_decode(segment) for segment in token.split(".")[:2]]


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(members)
    if len(said) != len(members):
        raise Refused
    return said


_COMPACT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)

_EXTENSIONS: Final = {"crit", "b64"}
