from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.key_ec import EcFamily

_ORDER = ec.SECP256R1().group_order


class _TakesAnything:
    """A library that takes every signature, as Java's did (CVE-2022-21449)."""

    curve = ec.SECP256R1()

    def verify(self, *_anything: object) -> None:
        """Do not complain."""


@pytest.mark.parametrize(("r", "s"), [(0, 0), (0, 1), (1, 0), (_ORDER, 1), (1, _ORDER), (_ORDER, _ORDER)])
def test_ver_19_the_range_of_a_signature_is_not_left_to_the_library(r: int, s: int) -> None:
    """VER-19, A04: what is outside of 1 to n - 1 is refused whatever the library says of it."""
    trusting: Any = _TakesAnything()
    verify = EcFamily().verifier(Algorithm.ES256, trusting)

    assert not verify(b"message", r.to_bytes(32) + s.to_bytes(32))
    assert verify(b"message", (1).to_bytes(32) + (_ORDER - 1).to_bytes(32))
    assert verify(b"message", (_ORDER - 1).to_bytes(32) + (1).to_bytes(32))
