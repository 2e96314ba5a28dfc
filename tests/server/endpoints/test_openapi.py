"""``GET /openapi.json``: the document and the server say the same; a machine compares them."""

from collections.abc import Iterator
from typing import Any

from http_world import ISSUER, World

from keyturn.server.description.openapi import document
from keyturn.server.routes import URLS


async def test_the_document_is_served(world: World) -> None:
    """As OpenAPI 3.1, with the issuer as its server."""
    async with world.client() as client:
        response = await client.get("/openapi.json")

    assert response.headers["content-type"] == "application/json"
    assert response.json()["openapi"] == "3.1.0"
    assert response.json()["servers"] == [{"url": ISSUER}]


def test_every_operation_is_in_the_document_and_no_other() -> None:
    """The table of operations and the table of URLs hold each other."""
    served = {(url.path, method.lower()) for url in URLS for method in url.handlers}
    described = {(path, method) for path, methods in document(ISSUER)["paths"].items() for method in methods}

    assert described == served


def test_every_operation_has_its_own_id_and_every_reference_a_target() -> None:
    """Generators of clients rely on both."""
    described = document(ISSUER)
    ids = [operation["operationId"] for methods in described["paths"].values() for operation in methods.values()]

    assert len(ids) == len(set(ids))
    assert {reference for reference in _references(described) if _target(described, reference) is None} == set()


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for below in part.values():
            yield from _references(below)
    elif isinstance(part, list):
        for below in part:
            yield from _references(below)


def _target(described: dict[str, Any], reference: str) -> Any:
    found: Any = described
    for name in reference.removeprefix("#/").split("/"):
        found = found.get(name, {})
    return found or None
