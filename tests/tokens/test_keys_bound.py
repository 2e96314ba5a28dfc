"""Which algorithm a key is bound to, and what a digest in the feed may be."""

from typing import Any

import pytest

from keyturn.errors import InvalidKey
from keyturn.tokens import revocation_feed
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey, VerificationKey


def test_ver_11_a_key_may_be_bound_to_what_it_says_of_itself(key: SigningKey) -> None:
    """VER-11: two that agree are one; two that differ are none."""
    jwk = key.public.to_jwk()
    assert VerificationKey.from_jwk(jwk, algorithm=Algorithm.ES256) == key.public
    with pytest.raises(InvalidKey):
        VerificationKey.from_jwk(jwk, algorithm=Algorithm.ES512)


@pytest.mark.parametrize("value", [None, 5, True, [], {}, ["AA"], 1.5])
def test_a_digest_is_a_text(value: Any) -> None:
    """REF-16: any other JSON is an error that makes the page a bad one, and no error beside that."""
    with pytest.raises((TypeError, ValueError)):
        revocation_feed._digest(value)
