"""Forms have one meaning, or none (WEB-11, A56)."""

import pytest

from keyturn.errors import ContentTooLarge, InvalidRequest
from keyturn.server.reading import form


def test_a_form_is_read() -> None:
    """Plus signs are spaces, escapes are UTF-8, an empty pair is nothing, a name without equals has an empty value."""
    fields = form.parse(b"username=Ad%C3%A9le+L&&password=a%2Bb%26c&flag")

    assert fields == {"username": "Adéle L", "password": "a+b&c", "flag": ""}


def test_an_empty_form_has_no_fields() -> None:
    """No bytes, no fields."""
    assert form.parse(b"") == {}


@pytest.mark.parametrize(
    "data",
    [
        b"grant_type=refresh_token&grant_type=refresh_token",
        b"grant_type=a&grant%5Ftype=b",
        b"a&a=1",
    ],
)
def test_a_parameter_that_is_there_twice_is_refused(data: bytes) -> None:
    """A56: however it is spelled, also if both say the same (RFC 6749 §3.1)."""
    with pytest.raises(InvalidRequest):
        form.parse(data)


@pytest.mark.parametrize(
    "data", [b"a=%", b"a=%4", b"a=%zz", b"%u0061=1", b"a=%C3", b"a=\xff", b"a=%ED%A0%80", b"a=%C0%AF"]
)
def test_what_is_no_utf_8_is_refused(data: bytes) -> None:
    """Broken escapes, broken UTF-8, encoded surrogates and overlong forms are nothing we guess at."""
    with pytest.raises(InvalidRequest):
        form.parse(data)


def test_more_than_64_fields_are_refused() -> None:
    """WEB-11: 64 fields are read, 65 are not."""
    fields = [f"f{number}=1".encode() for number in range(65)]

    assert len(form.parse(b"&".join(fields[:64]))) == 64
    with pytest.raises(ContentTooLarge):
        form.parse(b"&".join(fields))


@pytest.mark.parametrize("empty", [1, 63, 64, 65, 1000])
def test_empty_pairs_hide_no_parameter(empty: int) -> None:
    """A56: however many there are, what follows is read as if they were not there, and what is there twice is seen."""
    assert form.parse(b"&" * empty + b"username=ada&password=x") == {"username": "ada", "password": "x"}
    with pytest.raises(InvalidRequest):
        form.parse(b"&" * empty + b"username=ada&username=eve")
