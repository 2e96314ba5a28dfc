import pytest

from keyturn.errors import ConfigurationError
from keyturn.tokens.algorithms import ASYMMETRIC, ISSUER_ALGORITHMS, PARAMETERS, SYMMETRIC, Algorithm, check_algorithms


def test_ver_08_none_is_no_algorithm_in_any_spelling() -> None:
    """VER-08: there is no member for ``none``, and no other spelling finds one."""
    for spelling in ("none", "None", "NONE", "nOnE", "none ", "", "es256", "ES256 ", "Ed25519", "ES256K"):
        assert spelling not in PARAMETERS
        with pytest.raises(ValueError, match="not a valid"):
            Algorithm(spelling)


def test_every_algorithm_is_symmetric_or_asymmetric() -> None:
    """The two sets part the algorithms; an issuer signs with eight of them, as the contract lists."""
    assert frozenset(Algorithm) == SYMMETRIC | ASYMMETRIC
    assert not SYMMETRIC & ASYMMETRIC
    assert frozenset({"ES256", "EdDSA", "RS256", "PS256", "ES384", "RS512", "HS256", "HS512"}) == ISSUER_ALGORITHMS


@pytest.mark.parametrize("algorithms", [set(), {Algorithm.HS256, Algorithm.RS256}, {"RS256"}, {"none"}, {None}])
def test_ver_12_an_unsafe_allowlist_stops_the_start(algorithms: set[Algorithm]) -> None:
    """VER-12: an allowlist that is empty, unknown, or mixes HMAC with public keys is a configuration error."""
    with pytest.raises(ConfigurationError, match="algorithms"):
        check_algorithms(algorithms)


def test_an_allowlist_of_one_kind_is_taken() -> None:
    """All asymmetric algorithms may be allowed together, and so may all symmetric ones."""
    assert check_algorithms(ASYMMETRIC) == ASYMMETRIC
    assert check_algorithms(SYMMETRIC) == SYMMETRIC
