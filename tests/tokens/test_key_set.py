import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from keyturn.errors import ConfigurationError, InvalidKey
from keyturn.tokens import base64url
from keyturn.tokens.algorithms import ASYMMETRIC, SYMMETRIC, Algorithm
from keyturn.tokens.key_set import export_key_set, parse_key_set
from keyturn.tokens.keys import SigningKey

KeyFor = Callable[[Algorithm], SigningKey]

_OCT = {"kty": "oct", "kid": "shared", "alg": "HS256", "k": base64url.encode(Random(1).randbytes(64))}


def test_key_02_what_is_published_is_what_is_read(key_for: KeyFor) -> None:
    """KEY-02: a set of all kinds of public keys survives JSON, by kid, in its order."""
    keys = [key_for(algorithm).public for algorithm in sorted(ASYMMETRIC)]
    document = json.loads(json.dumps(export_key_set(keys)))
    assert parse_key_set(document, algorithms=ASYMMETRIC) == {key.kid: key for key in keys}
    assert [jwk["kid"] for jwk in document["keys"]] == [key.kid for key in keys]


def test_key_02_no_symmetric_key_and_no_kid_twice_is_published(key_for: KeyFor) -> None:
    """KEY-01, KEY-02: an HMAC key in the set, or one key twice, stops the publication."""
    for keys in (["HS256"], ["ES256", "HS512"], ["ES256", "ES256"]):
        with pytest.raises(InvalidKey):
            export_key_set(key_for(Algorithm(name)).public for name in keys)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"kty": "DSA"},
        {"kty": None},
        {"kty": 5},
        {"kty": []},
        {"alg": "ES521"},
        {"alg": "none"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"alg": "ES384"},
        {"alg": "RSA-OAEP"},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"x": "AA"},
        {"x": 5},
        {"y": "%%%"},
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"kid": None},
        {"kid": 5},
        {"kid": ""},
        {"kid": "../../dev/null"},
        {"kid": "x" * 129},
    ],
)
def test_key_09_an_entry_that_can_not_be_used_is_skipped(spoilt: dict[str, Any], key_for: KeyFor) -> None:
    """KEY-09: unknown, malformed, weak or foreign entries leave the rest usable; alone they are an error."""
    good = key_for(Algorithm.EdDSA).public
    bad = {**key_for(Algorithm.ES256).public.to_jwk(), **spoilt}
    assert parse_key_set({"keys": [bad, good.to_jwk()]}, algorithms=ASYMMETRIC) == {good.kid: good}
    with pytest.raises(InvalidKey):
        parse_key_set({"keys": [bad]}, algorithms=ASYMMETRIC)


def test_ver_07_a_key_for_an_algorithm_that_is_not_allowed_is_skipped(key: SigningKey, key_for: KeyFor) -> None:
    """VER-07, KEY-09: a sound key whose ``alg`` is not on the allowlist is not taken."""
    document = export_key_set([key.public, key_for(Algorithm.EdDSA).public])
    assert list(parse_key_set(document, algorithms=frozenset({Algorithm.ES256}))) == [key.kid]


@pytest.mark.parametrize("entry", [None, 5, "key", [], {}])
def test_key_09_an_entry_that_is_no_key_is_skipped(entry: object, key: SigningKey) -> None:
    """KEY-09: other JSON values in the list are skipped too."""
    assert parse_key_set({"keys": [entry, key.public.to_jwk()]}, algorithms=ASYMMETRIC) == {key.kid: key.public}


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": []}, {"keys": {}}, {"keys": "x"}, [], None, "keys"])
def test_key_09_a_set_without_keys_is_an_error(document: Any) -> None:
    """KEY-09, A32: what is no key set, or an empty one, is refused."""
    with pytest.raises(InvalidKey):
        parse_key_set(document, algorithms=ASYMMETRIC)


def test_ver_14_a_key_without_kid_is_not_found(key: SigningKey) -> None:
    """VER-14, VER-15: no name is made up for a key that has none."""
    jwk = {name: value for name, value in key.public.to_jwk().items() if name != "kid"}
    with pytest.raises(InvalidKey):
        parse_key_set({"keys": [jwk]}, algorithms=ASYMMETRIC)


@pytest.mark.parametrize(
    "entry",
    [
        _OCT,
        {**_OCT, "alg": "A256KW"},
        {**_OCT, "kid": "no alg", "alg": None},
        {"kty": "other", "k": "AQ"},
        {"kty": "EC", "crv": "P-256", "kid": "private", "d": "AQ"},
        {"kty": "RSA", "kid": "private", "p": "AQ"},
        {"kty": "RSA", "kid": "private", "oth": []},
        {"kty": "unknown", "d": "AQ"},
    ],
)
def test_a32_a_set_that_holds_a_secret_is_refused_as_a_whole(entry: dict[str, Any], key: SigningKey) -> None:
    """A32, VER-12: a symmetric key or a private member anywhere: who publishes that is not trusted with the rest."""
    with pytest.raises(InvalidKey):
        parse_key_set({"keys": [key.public.to_jwk(), entry]}, algorithms=ASYMMETRIC)


def test_key_01_a_set_that_names_a_kid_twice_is_refused_as_a_whole(key: SigningKey, key_for: KeyFor) -> None:
    """KEY-01, A32: two keys of one kid, usable or not, leave no doubt which is meant: none."""
    other = {**key_for(Algorithm.EdDSA).public.to_jwk(), "kid": key.kid}
    for twin in (key.public.to_jwk(), other, {**other, "kty": "unknown"}):
        with pytest.raises(InvalidKey):
            parse_key_set({"keys": [key.public.to_jwk(), twin]}, algorithms=ASYMMETRIC)


def test_a32_a_set_has_at_most_100_keys(key: SigningKey) -> None:
    """A32: a longer list is refused before any key in it is read."""
    jwk = key.public.to_jwk()
    keys: list[Any] = [{**jwk, "kid": f"k{number}"} for number in range(101)]
    assert len(parse_key_set({"keys": keys[:100]}, algorithms=ASYMMETRIC)) == 100
    with pytest.raises(InvalidKey):
        parse_key_set({"keys": keys}, algorithms=ASYMMETRIC)


def test_ver_11_without_alg_a_key_needs_one_that_fits(key: SigningKey) -> None:
    """VER-11: a key without ``alg`` is taken only if the allowlist leaves one algorithm for its ``kty``."""
    jwk = {name: value for name, value in key.public.to_jwk().items() if name != "alg"}
    pinned = frozenset({Algorithm.ES256, Algorithm.RS256})
    assert parse_key_set({"keys": [jwk]}, algorithms=pinned) == {key.kid: key.public}
    for algorithms in (ASYMMETRIC, frozenset({Algorithm.RS256}), frozenset({Algorithm.ES384})):
        with pytest.raises(InvalidKey):
            parse_key_set({"keys": [jwk]}, algorithms=algorithms)


def test_ver_12_symmetric_keys_come_in_a_set_of_their_own(key: SigningKey) -> None:
    """VER-12: with a symmetric allowlist only symmetric keys are read; a mixed allowlist is a configuration error."""
    assert list(parse_key_set({"keys": [_OCT]}, algorithms=SYMMETRIC)) == ["shared"]
    with pytest.raises(InvalidKey):
        parse_key_set({"keys": [_OCT, key.public.to_jwk()]}, algorithms=SYMMETRIC)
    for algorithms in (frozenset(Algorithm), frozenset()):
        with pytest.raises(ConfigurationError):
            parse_key_set({"keys": [_OCT]}, algorithms=algorithms)


def test_ver_12_a_symmetric_entry_is_dangerous_with_its_secret_or_without(key: SigningKey) -> None:
    """VER-12: a set that mixes kinds is refused as a whole, by the ``kty`` alone too."""
    good = key.public.to_jwk()
    for entry in ({"kty": "oct", "kid": "x"}, {"kty": "EC", "kid": "x", "k": "AAAA"}):
        with pytest.raises(InvalidKey):
            parse_key_set({"keys": [good, entry]}, algorithms=frozenset({Algorithm.ES256}))
