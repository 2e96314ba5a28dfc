import re

import pytest

from keyturn.core.password_blocklist import Objection
from keyturn.core.password_rules import MAX_BYTES, SENTENCES, normalise, refuse_if
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


def test_pwd_02_a_password_that_is_no_text_is_still_counted() -> None:
    """PWD-02: half a surrogate pair, which JSON can write, is an odd password and no error of ours."""
    assert normalise("\ud800" * 12) == "\ud800" * 12


@pytest.mark.parametrize("objection", Objection)
def test_pwd_03_an_objection_refuses_with_its_sentence(objection: Objection) -> None:
    """PWD-03: each says why; nothing stands against a password that has none."""
    with pytest.raises(ValidationFailed, match=re.escape(SENTENCES[objection])):
        refuse_if(objection)
    refuse_if(None)
