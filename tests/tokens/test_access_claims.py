from dataclasses import replace
from typing import Any

import pytest

from keyturn.tokens import access_claims
from keyturn.tokens.access_claims import MAX_LIFETIME, Claims


@pytest.mark.parametrize("lifetime", [1, 3600])
def test_a_lifetime_has_its_bounds_inside(lifetime: int, claims: Claims) -> None:
    """A token lives from one second to an hour, both included."""
    assert MAX_LIFETIME == 3600
    assert replace(claims, expires_at=claims.issued_at + lifetime).expires_at == claims.issued_at + lifetime


@pytest.mark.parametrize("lifetime", [-1, 0, 3601])
def test_a_longer_life_and_none_are_refused(lifetime: int, claims: Claims) -> None:
    """Outside of that no claims are made."""
    with pytest.raises(ValueError, match="lives from"):
        replace(claims, expires_at=claims.issued_at + lifetime)


def test_what_is_no_json_number_is_not_written(claims: Claims) -> None:
    """VER-06: a time that is no number is an error of ours, not a token that some parser takes."""
    nonsense: Any = float("nan")
    with pytest.raises(ValueError, match="JSON"):
        access_claims.encode(replace(claims, auth_time=nonsense))
