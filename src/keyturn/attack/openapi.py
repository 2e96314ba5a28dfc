"""Reads the routes of an OpenAPI 3 document that ask for a bearer token. Pure.

The document is the target's own and is not believed further than that: it names paths, never hosts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from keyturn.attack.model import Expectation, Route
from keyturn.attack.routes import SAFE_METHODS
from keyturn.errors import ConfigurationError

#: Routes that are taken from one document at most.
MAX_ROUTES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a document says.

    Attributes:
        routes: those to attack.
        servers: the URLs of its servers, as written.
        notes: what was left out, and why.

    """

    routes: tuple[Route, ...]
    servers: tuple[str, ...]
    notes: tuple[str, ...]


def read_openapi(document: object) -> Described:
    """Return what *document* describes: routes with a safe method that need a bearer token, or may.

    Where the document names no security at all, every route may need one.

    Raises:
        ConfigurationError: it is no OpenAPI 3 document.

    """
    root = document if isinstance(document, Mapping) else {}
    if not str(root.get("openapi", "")).startswith("3.") or not isinstance(root.get("paths"), Mapping):
        raise ConfigurationError("--openapi: give an OpenAPI 3 document, in JSON or YAML.")
    reader = _Reader(root)
    routes = tuple(reader.routes())[:MAX_ROUTES]
    return Described(routes=routes, servers=tuple(_servers(root)), notes=tuple(reader.notes))


def server_path(url: str) -> str:
    """Return the path that the server at *url*, absolute or relative, puts before every route's."""
    try:
        path = urlsplit(url).path.strip("/")
    except ValueError:
        return ""
    return f"/{path}" if path else ""


class _Reader:
    """Goes through one document, and notes what it leaves out."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._bearer = frozenset(_bearer_schemes(_mapping(_mapping(root.get("components")).get("securitySchemes"))))
        self._says_nothing = "security" not in root and not any("security" in op for _, _, op, _ in self._operations())
        self.notes: list[str] = []

    def routes(self) -> Iterator[Route]:
        for path, method, operation, parameters in self._operations():
            expectation = self._expectation(operation)
            if expectation is None and self._takes_another(operation):
                self.notes.append(
                    f"{method} {path}: left out, since another credential would do; name it with --route."
                )
            if expectation is None:
                continue
            if method not in SAFE_METHODS:
                self.notes.append(f"{method} {path}: left out, since it may change something; name it with --route.")
                continue
            if (filled := self._filled(path, parameters)) is None:
                self.notes.append(f"{method} {path}: left out, since its path has no example; name one with --route.")
                continue
            yield Route(method=method, path=filled, expectation=expectation)

    def _operations(self) -> Iterator[tuple[str, str, Mapping[str, Any], list[Mapping[str, Any]]]]:
        for path, item in self._root["paths"].items():
            shared = _list(_mapping(item).get("parameters"))
            for method in _METHODS:
                operation = _mapping(item).get(method)
                if isinstance(operation, Mapping) and isinstance(path, str) and path.startswith("/"):
                    own = _list(operation.get("parameters"))
                    yield path, method.upper(), operation, [self._resolved(entry) for entry in (*shared, *own)]

    def _expectation(self, operation: Mapping[str, Any]) -> Expectation | None:
        """Return whether a token is needed; None where it is not, or another credential would do."""
        if self._says_nothing:
            return Expectation.UNKNOWN
        security = self._security(operation)
        if not security or not all(_mapping(entry).keys() & self._bearer for entry in security):
            return None
        return Expectation.PROTECTED

    def _takes_another(self, operation: Mapping[str, Any]) -> bool:
        """Say whether a bearer token is one of several credentials, one of which is needed."""
        ways = [_mapping(entry).keys() for entry in self._security(operation)]
        return all(ways) and any(way & self._bearer for way in ways)

    def _security(self, operation: Mapping[str, Any]) -> list[Any]:
        return _list(operation.get("security", self._root.get("security")))

    def _filled(self, path: str, parameters: list[Mapping[str, Any]]) -> str | None:
        """Return *path* with an example for each of its parameters, and with the query that needs one."""
        query: list[str] = []
        for parameter in parameters:
            name, place, example = str(parameter.get("name")), parameter.get("in"), _example(parameter)
            if place == "path" and example is not None:
                path = path.replace(f"{{{name}}}", quote(example, safe=""))
            elif place == "query" and example is not None and parameter.get("required") is True:
                query.append(f"{quote(name, safe='')}={quote(example, safe='')}")
        if "{" in path or len(path) > _LONGEST:
            return None
        return quote(path, safe="/%:@!$&'()*+,;=~") + ("?" + "&".join(query) if query else "")

    def _resolved(self, entry: object) -> Mapping[str, Any]:
        """Return *entry*, or what it refers to within the document; a reference elsewhere is nothing."""
        reference = _mapping(entry).get("$ref")
        if not isinstance(reference, str):
            return _mapping(entry)
        found: object = self._root
        for step in reference.removeprefix("#/").split("/"):
            found = _mapping(found).get(step.replace("~1", "/").replace("~0", "~"))
        return _mapping(found)


def _bearer_schemes(schemes: Mapping[str, Any]) -> Iterator[str]:
    for name, scheme in schemes.items():
        kind, http = _mapping(scheme).get("type"), str(_mapping(scheme).get("scheme", "")).lower()
        if kind in {"oauth2", "openIdConnect"} or (kind == "http" and http == "bearer"):
            yield name


def _example(parameter: Mapping[str, Any]) -> str | None:
    schema = _mapping(parameter.get("schema"))
    examples = [_mapping(value).get("value") for value in _mapping(parameter.get("examples")).values()]
    candidates = (
        parameter.get("example"),
        *examples,
        schema.get("example"),
        *_list(schema.get("examples")),
        schema.get("default"),
        *_list(schema.get("enum")),
        schema.get("const"),
    )
    usable = (str(value) for value in candidates if type(value) in {str, int})
    return next((text for text in usable if text), None)


def _servers(root: Mapping[str, Any]) -> Iterator[str]:
    for server in _list(root.get("servers")):
        url = _mapping(server).get("url")
        if isinstance(url, str) and "{" not in url:
            yield url


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


_METHODS: Final = ("get", "head", "post", "put", "patch", "delete")
_LONGEST: Final = 2000
