"""Each bound of an access token: the last value that is taken, and the first that is not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from keyturn.errors import ConfigurationError, InvalidToken
from keyturn.tokens.access_token import MAX_LEEWAY, AccessToken, Expected
from keyturn.tokens.algorithms import ISSUER_ALGORITHMS, Algorithm, Curve, KeyType, check_algorithms

Forge = Callable[..., str]
Verify = Callable[..., AccessToken]

LAST = 2**53 - 1


@pytest.fixture
def reason(good: dict[str, Any], forge: Forge, verify: Verify) -> Callable[..., str]:
    """Return why a token that says something else is refused at *now*; ``taken`` if it is not."""

    def reason(now: float, **spoilt: object) -> str:
        claims = {name: value for name, value in (good | spoilt).items() if value is not None}
        try:
            verify(forge(claims), now=now)
        except InvalidToken as refused:
            return refused.reason.value
        return "taken"

    return reason


def test_ver_25_times_run_from_zero_to_the_last_whole_double(reason: Callable[..., str]) -> None:
    """VER-25, VER-26: 0 and 2**53 - 1 are times, -1 and 2**53 are none, for each claim that is one."""
    bare: dict[str, object] = {"auth_time": None}
    assert reason(0, iat=0, exp=1, **bare) == reason(LAST, iat=LAST, exp=LAST, **bare) == "taken"
    assert reason(0, iat=-1, exp=1, **bare) == reason(LAST, iat=LAST, exp=LAST + 1, **bare) == "bad_claim"
    assert reason(5, iat=0, exp=3600, nbf=0, auth_time=0) == reason(5, iat=0, exp=3600, auth_time=LAST) == "taken"
    assert reason(5, iat=0, exp=3600, nbf=-1) == reason(5, iat=0, exp=3600, auth_time=-1) == "bad_claim"
    assert reason(5, iat=0, exp=3600, nbf=LAST, **bare) == "not_yet_valid"
    assert reason(5, iat=0, exp=3600, nbf=LAST + 1, **bare) == "bad_claim"


def test_ver_25_a_life_of_nothing_and_of_an_hour_is_taken(reason: Callable[..., str]) -> None:
    """VER-25: from ``iat`` to ``exp`` it is 0 to 3600 seconds."""
    bare: dict[str, object] = {"auth_time": None}
    assert reason(100, iat=100, exp=100, **bare) == reason(100, iat=100, exp=3700, **bare) == "taken"
    assert reason(100, iat=100, exp=99, **bare) == reason(100, iat=100, exp=3701, **bare) == "bad_claim"


@pytest.mark.parametrize("leeway", [0, 60, 59.5])
def test_a_leeway_has_its_bounds_inside(leeway: float, expected: Expected) -> None:
    """A verifier may allow for nothing, and for a minute."""
    assert MAX_LEEWAY == 60
    assert replace(expected, leeway=leeway).leeway == leeway


@pytest.mark.parametrize(
    "spoilt",
    [
        {"leeway": -1},
        {"leeway": 61},
        {"leeway": True},
        {"audiences": frozenset({"https://api.example.com", ""})},
        {"audiences": frozenset({"https://api.example.com", 5})},
        {"algorithms": frozenset({Algorithm.ES256, "none"})},
    ],
)
def test_one_bad_part_spoils_what_is_expected(spoilt: dict[str, Any], expected: Expected) -> None:
    """A name that is empty or of no kind is refused beside good ones too."""
    with pytest.raises(ConfigurationError):
        replace(expected, **spoilt)


def test_ver_07_the_names_are_those_of_the_rfcs() -> None:
    """VER-07: RFC 7518 §3.1 and §6, RFC 8037: case counts, and an issuer offers what every verifier knows."""
    names = "ES256 ES384 ES512 EdDSA RS256 RS384 RS512 PS256 PS384 PS512 HS256 HS384 HS512"
    assert [str(each) for each in Algorithm] == names.split()
    assert [str(each) for each in KeyType] == ["EC", "OKP", "RSA", "oct"]
    assert [str(each) for each in Curve] == ["P-256", "P-384", "P-521", "Ed25519"]
    offered = "ES256 ES384 EdDSA RS256 RS512 PS256 HS256 HS512"
    assert sorted(map(str, ISSUER_ALGORITHMS)) == sorted(offered.split())
    assert check_algorithms(set(Algorithm) - {Algorithm.HS256, Algorithm.HS384, Algorithm.HS512})


def test_a_token_is_what_it_says(good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """Neither the key object nor what was computed from the token counts when two are compared, nor is it shown."""
    one, other = verify(forge(good)), verify(forge(good))
    assert one.revocation_digests is one.revocation_digests
    assert replace(one, key=None) == one == other
    assert "key=" not in repr(one)
    assert "digest" not in repr(one)
