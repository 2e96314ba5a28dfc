"""Which routes a description names. It is the target's own, and is believed as far as that."""

from typing import Any

import pytest

from keyturn.attack.model import Expectation
from keyturn.attack.openapi import Described, read_openapi, server_path
from keyturn.errors import ConfigurationError

BEARER = {"type": "http", "scheme": "Bearer"}


def described(paths: dict[str, Any], **root: Any) -> Described:
    """Return what is read of a document with these paths."""
    components = {"securitySchemes": {"token": BEARER, "key": {"type": "apiKey"}, "flow": {"type": "oauth2"}}}
    return read_openapi({"openapi": "3.1.0", "paths": paths, "components": components, **root})


def routes(found: Described) -> list[str]:
    """Return the routes as text."""
    return [str(route) for route in found.routes]


def test_what_needs_a_bearer_token_is_attacked() -> None:
    """By its own security, or the document's; not what is public, or takes another credential too."""
    paths = {
        "/own": {"get": {"security": [{"token": []}]}},
        "/flow": {"head": {"security": [{"flow": ["a"]}]}},
        "/inherited": {"get": {}},
        "/public": {"get": {"security": []}},
        "/optional": {"get": {"security": [{"token": []}, {}]}},
        "/key": {"get": {"security": [{"key": []}]}},
        "/either": {"get": {"security": [{"token": []}, {"key": []}]}},
    }
    found = described(paths, security=[{"token": []}])
    assert routes(found) == ["GET /own", "HEAD /flow", "GET /inherited"]
    assert {route.expectation for route in found.routes} == {Expectation.PROTECTED}
    assert found.notes == ("GET /either: left out, since another credential would do; name it with --route.",)


def test_a_document_without_security_leaves_it_to_the_answers() -> None:
    """Such a route may be public."""
    found = read_openapi({"openapi": "3.0.3", "paths": {"/a": {"get": {}}}})
    assert [route.expectation for route in found.routes] == [Expectation.UNKNOWN]


def test_what_may_change_something_is_left_out_and_named() -> None:
    """An accepted token would do it."""
    found = described(
        {"/a": {method: {} for method in ("post", "put", "patch", "delete", "get")}}, security=[{"token": []}]
    )
    assert routes(found) == ["GET /a"]
    assert len(found.notes) == 4
    assert all("--route" in note for note in found.notes)


@pytest.mark.parametrize(
    ("parameter", "path"),
    [
        ({"example": 7}, "/orders/7"),
        ({"example": "a/b c?"}, "/orders/a%2Fb%20c%3F"),
        ({"examples": {"one": {"value": "x"}}}, "/orders/x"),
        ({"schema": {"example": "x"}}, "/orders/x"),
        ({"schema": {"examples": ["x", "y"]}}, "/orders/x"),
        ({"schema": {"default": 1}}, "/orders/1"),
        ({"schema": {"enum": ["open", "shut"]}}, "/orders/open"),
        ({"schema": {"const": "x"}}, "/orders/x"),
        ({"schema": {"type": "integer"}}, None),
        ({"example": {"an": "object"}}, None),
        ({"example": True}, None),
        ({"example": ""}, None),
    ],
)
def test_a_parameter_of_the_path_needs_an_example(parameter: dict[str, Any], path: str | None) -> None:
    """Nothing is guessed; what has none is left out, and named."""
    entry = {"name": "id", "in": "path", "required": True, **parameter}
    found = described({"/orders/{id}": {"parameters": [entry], "get": {}}}, security=[{"token": []}])
    assert routes(found) == ([f"GET {path}"] if path else [])
    assert len(found.notes) == (0 if path else 1)


def test_a_needed_query_is_filled_in() -> None:
    """Else every answer would be a 422."""
    parameters = [
        {"name": "q", "in": "query", "required": True, "example": "a&b"},
        {"name": "page", "in": "query", "example": 2},
        {"$ref": "#/components/parameters/l~1"},
    ]
    shared = {"l/": {"name": "lang", "in": "query", "required": True, "schema": {"default": "en"}}}
    document = {
        "openapi": "3.1.0",
        "paths": {"/a": {"get": {"parameters": parameters}}},
        "components": {"parameters": shared},
    }
    assert routes(read_openapi(document)) == ["GET /a?q=a%26b&lang=en"]


@pytest.mark.parametrize("document", [None, [], "x", {}, {"swagger": "2.0", "paths": {}}, {"openapi": "3.0.0"}])
def test_what_is_no_description_is_refused(document: object) -> None:
    """Usage, exit code 2."""
    with pytest.raises(ConfigurationError):
        read_openapi(document)


@pytest.mark.parametrize(
    "paths",
    [
        {"/a": None},
        {"/a": []},
        {"/a": {"get": []}},
        {"/a": {"get": {"parameters": [None, 1, {"$ref": "https://elsewhere.test/x"}, {"$ref": "#/nowhere"}]}}},
        {"/a": {"get": {"security": "token"}}},
        {"a": {"get": {}}},
        {"//elsewhere.test/a": {"get": {}}},
        {1: {"get": {}}},
    ],
)
def test_a_strange_description_makes_no_error(paths: dict[Any, Any]) -> None:
    """It is the target's, who may write anything."""
    found = described(paths, security=[{"token": []}])
    assert all(route.path.startswith("/") for route in found.routes)


def test_a_server_gives_a_path_and_never_a_host() -> None:
    """A document names no host for us."""
    assert [server_path(url) for url in ("/api/v1/", "https://x.test/v2", "//[", "")] == ["/api/v1", "/v2", "", ""]
    assert server_path(".elsewhere.test/v3") == "/.elsewhere.test/v3"
