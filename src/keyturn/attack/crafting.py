"""Tokens of any shape, sound or not: what the room ``tokens`` refuses to make. Pure."""

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from keyturn.tokens import base64url

Sign = Callable[[bytes], bytes]


def encode_json(value: object) -> bytes:
    """Return *value* as compact JSON; ``NaN`` and ``Infinity`` are written as parsers that are too kind read them."""
    return json.dumps(value, separators=(",", ":")).encode()


def compact(header: Mapping[str, Any] | bytes, payload: Mapping[str, Any] | bytes, sign: Sign) -> str:
    """Return the token with this header and payload, signed by *sign*; bytes are taken as they are."""
    signing_input = f"{_segment(header)}.{_segment(payload)}"
    return f"{signing_input}.{base64url.encode(sign(signing_input.encode()))}"


def hmac_signer(algorithm: str, secret: bytes) -> Sign:
    """Return the function that signs with *secret*, any at all, by HS256, HS384 or HS512."""
    name = _HMAC_HASHES[algorithm]
    return lambda signing_input: hmac.digest(secret, signing_input, name)


def hmac_matches(algorithm: str, secret: bytes, token: str) -> bool:
    """Say whether *token* was signed with *secret*."""
    signing_input, _, signature = token.rpartition(".")
    made = base64url.encode(hmac_signer(algorithm, secret)(signing_input.encode()))
    return hmac.compare_digest(made, signature)


def constant(signature: bytes) -> Sign:
    """Return a function that signs everything with the same bytes."""
    return lambda _: signature


def spoilt(data: bytes) -> bytes:
    """Return *data* with its last bit turned over; one byte for none."""
    return data[:-1] + bytes([data[-1] ^ 1]) if data else b"\x00"


def _segment(part: Mapping[str, Any] | bytes) -> str:
    return base64url.encode(part if isinstance(part, bytes) else encode_json(part))


_HMAC_HASHES: Final = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
