import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from keyturn.errors import InvalidKey
from keyturn.tokens import base64url, jwk


def test_key_01_the_thumbprint_is_that_of_rfc_7638(vectors: Path) -> None:
    """KEY-01: the example of RFC 7638 §3.1 has the thumbprint printed there."""
    example = json.loads((vectors / "rfc7638" / "thumbprint_example.json").read_text())
    assert jwk.thumbprint(example) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_key_01_the_thumbprint_depends_on_the_required_members_alone() -> None:
    """KEY-01: order and other members change nothing; each required member does."""
    key = {"kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ"}
    same = {"y": "eQ", "x": "eA", "kid": "k", "use": "sig", "crv": "P-256", "kty": "EC"}
    assert jwk.thumbprint(key) == jwk.thumbprint(same)
    assert len({jwk.thumbprint({**key, name: "other"}) for name in ("crv", "x", "y")} | {jwk.thumbprint(key)}) == 4


@pytest.mark.parametrize(
    "key", [{}, {"kty": "EC"}, {"kty": ["EC"]}, {"kty": "DSA"}, {"kty": "RSA", "n": 5, "e": "AQAB"}, {"kty": "oct"}]
)
def test_a_key_without_its_members_has_no_thumbprint(key: dict[str, Any]) -> None:
    """An unknown ``kty``, and a required member that is missing or no string, are refused."""
    with pytest.raises(InvalidKey):
        jwk.thumbprint(key)


@pytest.mark.parametrize("value", [None, 5, "", "AA", "AAEC", "AR", "A===", "é"])
def test_an_integer_has_one_spelling(value: object) -> None:
    """A Base64urlUInt that is missing, zero, padded or longer than need be is refused (RFC 7518 §2)."""
    with pytest.raises(InvalidKey):
        jwk.unsigned({"n": value}, "n")
    assert jwk.unsigned({"e": "AQAB"}, "e") == 65537
    assert jwk.from_unsigned(65537) == "AQAB"


@pytest.mark.parametrize("kid", ["", "x" * 129, 5, None, ["k"]])
def test_ver_15_a_kid_is_a_string_of_1_to_128_characters(kid: object) -> None:
    """VER-15: any other ``kid`` is refused; without one the thumbprint is the name."""
    key: dict[str, Any] = {"kty": "oct", "k": "AQ"}
    assert jwk.key_id(key) == jwk.thumbprint(key)
    with pytest.raises(InvalidKey):
        jwk.key_id({**key, "kid": kid})


@pytest.mark.parametrize("members", [{"use": "enc"}, {"use": None}, {"key_ops": ["sign"]}, {"key_ops": "verify"}])
def test_ver_10_a_key_for_something_else_verifies_nothing(members: dict[str, Any]) -> None:
    """VER-10: ``use`` other than ``sig``, or ``key_ops`` without ``verify``, is refused."""
    jwk.check_use({"use": "sig", "key_ops": ["verify"]})
    jwk.check_use({})
    with pytest.raises(InvalidKey):
        jwk.check_use(members)


@pytest.mark.parametrize("kid", ["k", "k" * 128])
def test_ver_15_a_kid_has_its_bounds_inside(kid: str) -> None:
    """VER-15: one character is a name, and so are 128."""
    assert jwk.key_id({"kid": kid}) == kid


def test_key_01_a_thumbprint_is_over_utf_8() -> None:
    """KEY-01: RFC 7638 §3.1: characters beyond ASCII are written as they are."""
    members = '{"crv":"\u00e9","kty":"OKP","x":"AA"}'
    digest = hashlib.sha256(members.encode()).digest()
    assert jwk.thumbprint({"x": "AA", "kty": "OKP", "crv": "\u00e9"}) == base64url.encode(digest)
