"""The parameters of a URL: each has one meaning, and none reaches a database that could choke on it."""

from typing import Any

import pytest
from starlette.requests import Request

from keyturn.errors import InvalidRequest, NotFound
from keyturn.server.reading.parameters import check_names, read_id, read_number, read_text


def request(query: str = "", **path_params: Any) -> Request:
    """Return a request with this query and these parts of its path."""
    scope = {"type": "http", "headers": [], "query_string": query.encode(), "path_params": path_params}
    return Request(scope)


@pytest.mark.parametrize("value", ["4rT0mXb2l1yqkZcWzGq9Xw", "-", "é", "a b", "..", "a" * 10_000])
def test_an_id_is_taken_as_it_is(value: str) -> None:
    """Whether anything has it is for the database to say."""
    assert read_id(request(id=value), "id") == value


@pytest.mark.parametrize("value", ["\0", "a\0b", "a\r\n", "\x1b[31m", "\ud800", "\u202e"])
def test_an_id_that_a_database_may_not_take_is_not_there(value: str) -> None:
    """A52: PostgreSQL takes no NUL in a text, and no driver a lone surrogate."""
    with pytest.raises(NotFound):
        read_id(request(id=value), "id")


@pytest.mark.parametrize(("query", "expected"), [("", None), ("b=1", None), ("a=1", "1"), ("a=%C3%A9+%2B", "é +")])
def test_a_text_is_read_once(query: str, expected: str | None) -> None:
    """As the form encoding has it; None where it is not there."""
    assert read_text(request(query), "a") == expected


@pytest.mark.parametrize("query", ["a=1&a=1", "a=1&a=2", "a=", "a", "a=%00"])
def test_a_text_with_two_meanings_or_none_is_refused(query: str) -> None:
    """RFC 6749 §3.1, for every parameter of ours."""
    with pytest.raises(InvalidRequest):
        read_text(request(query), "a")


@pytest.mark.parametrize(("query", "expected"), [("", 7), ("n=0", 0), ("n=30", 30), ("n=007", 7)])
def test_a_number_is_read_in_its_bounds(query: str, expected: int) -> None:
    """Both bounds belong to it."""
    assert read_number(request(query), "n", least=0, most=30, default=7) == expected


@pytest.mark.parametrize("text", ["31", "-1", "1.0", "1e1", "0x1", "1_0", "+1", "%201", "%D9%A3", "9" * 5000, "1&n=1"])
def test_what_is_no_number_in_bounds_is_refused(text: str) -> None:
    """And costs nothing to refuse, however long it is."""
    with pytest.raises(InvalidRequest):
        read_number(request(f"n={text}"), "n", least=0, most=30, default=7)


def test_an_unknown_name_is_refused() -> None:
    """A filter that was misspelt must not mean no filter; the refusal names what there is, and nothing of the peer."""
    check_names(request("a=1&b=2"), ("a", "b"))
    with pytest.raises(InvalidRequest) as refused:
        check_names(request("a=1&secret=2"), ("a", "b"))
    assert str(refused.value) == "The parameters here are: a, b."
