"""The Content-Type is one of ours, in UTF-8, or the body is not read (WEB-11)."""

import pytest

from keyturn.errors import UnsupportedMediaType
from keyturn.server.reading import media_type
from keyturn.server.reading.media_type import MediaType

BOTH = frozenset(MediaType)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("application/json", MediaType.JSON),
        ("Application/JSON; Charset=UTF-8", MediaType.JSON),
        ('application/json ;charset="utf-8"', MediaType.JSON),
        ("application/x-www-form-urlencoded", MediaType.FORM),
        ("application/x-www-form-urlencoded;charset=utf-8", MediaType.FORM),
    ],
)
def test_the_two_kinds_are_told_apart(value: str, expected: MediaType) -> None:
    """Letter case and a charset of UTF-8 make no difference."""
    assert media_type.parse([value], BOTH) is expected


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["text/plain"],
        ["application/json-seq"],
        ["application/jsonx"],
        ["text/json"],
        ["application/json, text/plain"],
        ["application/json; charset=utf-16"],
        ["application/json; boundary=x"],
        ["application/json", "application/json"],
        ["multipart/form-data; boundary=x"],
    ],
)
def test_anything_else_is_refused(values: list[str]) -> None:
    """A42: a form with ``enctype=text/plain`` never passes for JSON."""
    with pytest.raises(UnsupportedMediaType):
        media_type.parse(values, BOTH)


def test_a_kind_that_the_endpoint_does_not_read_is_refused() -> None:
    """JSON at a form's endpoint is no form."""
    with pytest.raises(UnsupportedMediaType):
        media_type.parse(["application/json"], frozenset({MediaType.FORM}))
