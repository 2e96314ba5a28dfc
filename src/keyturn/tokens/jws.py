"""JWS in compact form (RFC 7515 §3.1, §5), read strictly: size, alphabet, header, key, signature, in this order.

A payload is returned only once its signature has been verified. All refusals are :class:`InvalidToken`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from keyturn.errors import InvalidToken, InvalidTokenReason
from keyturn.tokens import base64url
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.jws_header import Header, parse_header
from keyturn.tokens.keys import SigningKey, VerificationKey

MAX_TOKEN_BYTES: Final = 8192

FindKey = Callable[[str], VerificationKey | None]


@dataclass(slots=True)
class Parsed:
    """A token taken apart, nothing of it verified.

    Attributes:
        header: what it says about itself.
        payload: the bytes of the payload; an attacker may have written them.
        signing_input: the ASCII bytes that the signature is over.
        signature: its bytes.

    """

    header: Header
    payload: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def verify(
    text: str,
    find_key: FindKey,
    algorithms: frozenset[Algorithm],
    *,
    typ: str,
    max_bytes: int = MAX_TOKEN_BYTES,
) -> tuple[VerificationKey, bytes]:
    """Return the key that signed the token *text*, and its payload.

    Args:
        text: the token.
        find_key: returns the key that a ``kid`` names, or None. It is asked only for a well-formed ``kid``, of a
            token with the right type and an allowed algorithm.
        algorithms: the allowlist.
        typ: the media type this place takes, such as ``at+jwt`` (RFC 8725 §3.11), in lower case and without
            ``application/``; a token may write it otherwise.
        max_bytes: a longer token is refused unread.

    Raises:
        InvalidToken: malformed, wrong_type, alg_not_allowed, unknown_key or bad_signature.

    """
    parsed = parse(text, max_bytes=max_bytes)
    header = parsed.header
    if not parsed.payload:  # a JWS may be empty; no token here is
        raise InvalidToken(InvalidTokenReason.MALFORMED)
    if header.typ != typ:
        raise InvalidToken(InvalidTokenReason.WRONG_TYPE)
    if header.algorithm not in algorithms:
        raise InvalidToken(InvalidTokenReason.ALG_NOT_ALLOWED)
    key = find_key(header.kid) if header.kid is not None else None
    if key is None:
        raise InvalidToken(InvalidTokenReason.UNKNOWN_KEY)
    return key, verify_with(parsed, key)


def verify_with(parsed: Parsed, key: VerificationKey) -> bytes:
    """Return the payload of *parsed* if *key* signed it. The key decides about the algorithm (RFC 8725 §3.1).

    Raises:
        InvalidToken: alg_not_allowed or bad_signature.

    """
    if parsed.header.algorithm is not key.algorithm:
        raise InvalidToken(InvalidTokenReason.ALG_NOT_ALLOWED)
    if not key.verify(parsed.signing_input, parsed.signature):
        raise InvalidToken(InvalidTokenReason.BAD_SIGNATURE)
    return parsed.payload


def parse(text: object, *, max_bytes: int = MAX_TOKEN_BYTES) -> Parsed:
    """Take *text* apart.

    Raises:
        InvalidToken: malformed: too long, not three segments of canonical base64url, unsigned, or a bad header.

    """
    if not isinstance(text, str) or len(text) > max_bytes or not text.isascii():
        raise InvalidToken(InvalidTokenReason.MALFORMED)
    signing_input, _, signature = text.encode("ascii").rpartition(b".")
    head, dot, payload = signing_input.partition(b".")  # a third dot is no base64url
    if not (dot and signature):
        raise InvalidToken(InvalidTokenReason.MALFORMED)
    try:
        return Parsed(parse_header(head), base64url.decode(payload), signing_input, base64url.decode(signature))
    except ValueError:
        raise InvalidToken(InvalidTokenReason.MALFORMED) from None


def sign(header: Mapping[str, str], payload: bytes, key: SigningKey) -> str:
    """Return the token with this *payload*, signed by *key*.

    Args:
        header: what the header says beside ``alg`` and ``kid``, which are the key's.
        payload: the bytes to sign.
        key: the key.

    """
    signing_input = f"{_header_segment(key.algorithm, key.kid, tuple(header.items()))}.{base64url.encode(payload)}"
    return f"{signing_input}.{base64url.encode(key.sign(signing_input.encode('ascii')))}"


@lru_cache(maxsize=64)
def _header_segment(algorithm: Algorithm, kid: str, members: tuple[tuple[str, Any], ...]) -> str:
    header = {"alg": algorithm.value, "kid": kid, **dict(members)}
    return base64url.encode(json.dumps(header, separators=(",", ":")).encode("ascii"))
