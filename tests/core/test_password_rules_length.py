import pytest

from keyturn.core.password_rules import MAX_BYTES, normalise
from keyturn.errors import ValidationFailed


@pytest.mark.parametrize("password", ["x" * 1025, "\u00e9" * 513, "u\u0308\u0301" * 342, "x" * 10**6])
def test_pwd_02_a_long_password_is_refused_before_it_is_composed(password: str) -> None:
    """PWD-02: by its characters as they came, and by its bytes once it is composed."""
    with pytest.raises(ValidationFailed):
        normalise(password)


@pytest.mark.parametrize("password", ["x" * 1024, "\u00e9" * 512, "u\u0308\u0301" * 341])
def test_pwd_02_a_password_of_just_the_limit_is_taken(password: str) -> None:
    """PWD-02: 1024 bytes."""
    assert MAX_BYTES == 1024
    assert len(normalise(password).encode()) <= 1024
