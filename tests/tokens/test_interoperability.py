"""What we sign, another library verifies, and the reverse: that two of ours agree proves little."""

from collections.abc import Callable

import jwt
import pytest

from keyturn.tokens import base64url, jws
from keyturn.tokens.algorithms import SYMMETRIC, Algorithm
from keyturn.tokens.keys import SigningKey

KeyFor = Callable[[Algorithm], SigningKey]


@pytest.mark.parametrize("algorithm", Algorithm)
def test_ver_07_an_algorithm_is_what_the_rfc_says(algorithm: Algorithm, key_for: KeyFor) -> None:
    """VER-07: hash, padding and form of a signature are those of RFC 7518 §3, as PyJWT reads them too."""
    key = key_for(algorithm)
    theirs = jwt.PyJWK(_jwk(key), algorithm.value)

    signed = jws.sign({"typ": "at+jwt"}, b'{"sub":"user-1"}', key)
    answered = jwt.api_jws.encode(
        b'{"sub":"user-2"}', _private(key), algorithm.value, headers={"kid": key.kid, "typ": "at+jwt"}
    )

    assert jwt.api_jws.decode(signed, theirs, algorithms=[algorithm.value]) == b'{"sub":"user-1"}'
    find_key = {key.kid: key.public}.get
    assert jws.verify(answered, find_key, frozenset({algorithm}), typ="at+jwt") == (key.public, b'{"sub":"user-2"}')


@pytest.mark.parametrize("algorithm", sorted(SYMMETRIC))
def test_a_generated_secret_is_as_long_as_its_hash(algorithm: Algorithm, key_for: KeyFor) -> None:
    """VER-20: neither shorter nor longer (RFC 7518 §3.2)."""
    secret = key_for(algorithm).to_bytes()
    assert len(secret) * 8 == int(algorithm[2:])
    assert len(set(secret)) > len(secret) // 2


def _jwk(key: SigningKey) -> dict[str, str]:
    if key.algorithm in SYMMETRIC:
        return {"kty": "oct", "k": base64url.encode(key.to_bytes())}
    return key.public.to_jwk()


def _private(key: SigningKey) -> object:
    return key.to_bytes() if key.algorithm in SYMMETRIC else key._private
