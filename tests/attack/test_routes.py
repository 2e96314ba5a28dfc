"""Routes, and what of them may be shown."""

import pytest

from keyturn.attack.masking import masked
from keyturn.attack.routes import parse_route
from keyturn.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("GET /orders", "GET /orders"),
        ("delete  /orders/1?x=y", "DELETE /orders/1?x=y"),
        ("/orders", "GET /orders"),
        ("  GET /  ", "GET /"),
    ],
)
def test_a_route_is_a_method_and_a_path(text: str, route: str) -> None:
    """A path alone is read."""
    assert str(parse_route(text)) == route


@pytest.mark.parametrize(
    "text", ["", "GET", "GET orders", "GET http://a.test/", "G3T /a", "GET /a#b", "GET /a b", "GET /é"]
)
def test_what_is_no_route_is_refused(text: str) -> None:
    """A whole URL would name a host."""
    with pytest.raises(ConfigurationError):
        parse_route(text)


@pytest.mark.parametrize(
    "text",
    [
        "GET /x?access_token=eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln",
        "GET /x?access_token=a-long-opaque-token",
        "GET /ktr_AbCdEfGh123456",
    ],
)
def test_a_token_in_a_route_is_masked(text: str) -> None:
    """Somebody may have written one into it."""
    assert masked(text).endswith("(token)")
    assert masked("GET /orders/7?page=2") == "GET /orders/7?page=2"
