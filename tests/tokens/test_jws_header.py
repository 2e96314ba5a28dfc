import json
from typing import Any

import pytest

from keyturn.errors import InvalidToken
from keyturn.tokens import base64url
from keyturn.tokens.jws_header import MAX_HEADER_BYTES, parse_header


def _segment(**members: Any) -> bytes:
    return base64url.encode(json.dumps({"alg": "ES256"} | members).encode()).encode()


def _reason(segment: bytes) -> str:
    with pytest.raises(InvalidToken) as refused:
        parse_header(segment)
    return refused.value.reason.value


def test_ver_15_a_kid_that_is_too_long_is_malformed() -> None:
    """VER-15: a name of more than 128 characters refuses the token; an odd one only names no key."""
    assert parse_header(_segment(kid="k" * 128)).kid == "k" * 128
    assert _reason(_segment(kid="k" * 129)) == "malformed"
    assert parse_header(_segment(kid="k k")).kid is None
    assert parse_header(_segment(kid="")).kid is None


def test_ver_03_a_header_has_at_most_1024_bytes() -> None:
    """VER-03: of 1024 bytes it is read, of 1025 it is refused unread."""
    frame = len(json.dumps({"alg": "ES256", "x": ""}))
    longest = _segment(x="x" * (MAX_HEADER_BYTES - frame))
    assert len(base64url.decode(longest)) == MAX_HEADER_BYTES == 1024
    assert parse_header(longest).algorithm == "ES256"
    assert _reason(_segment(x="x" * (MAX_HEADER_BYTES - frame + 1))) == "malformed"


def test_ver_07_an_algorithm_that_we_do_not_know_is_none() -> None:
    """VER-07: the allowlist refuses it later, with its own reason."""
    assert parse_header(_segment(alg="ES256K")).algorithm is None
    assert _reason(base64url.encode(b"{}").encode()) == "malformed"


def test_ver_22_typ_is_one_spelling() -> None:
    """VER-22: lower case and without ``application/``; letters beyond ASCII are not folded into it."""
    assert parse_header(_segment(typ="Application/AT+JWT")).typ == "at+jwt"
    assert parse_header(_segment(typ="at+\u212aWT")).typ == "at+\u212aWT"  # the Kelvin sign, whose lower case is k
    assert parse_header(_segment()).typ is None
