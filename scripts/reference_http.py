"""Every URL of the server, from its OpenAPI document."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pages
from keyturn.server.description.openapi import document
from keyturn.server.description.operations import OPERATIONS

Json = dict[str, Any]

ISSUER: Final = "https://auth.example.com"


def page() -> str:
    """Return the page."""
    described = document(ISSUER)
    return pages.page("HTTP API", _INTRO, *_chapters(described))


def _chapters(described: Json) -> Iterator[str]:
    for tag in dict.fromkeys(operation.tag for operation in OPERATIONS):
        yield f"## {tag}"
        for path, methods in described["paths"].items():
            for method, operation in methods.items():
                if tag in operation["tags"]:
                    yield from _operation(f"{method.upper()} {path}", operation, described["components"])


def _operation(name: str, operation: Json, components: Json) -> Iterator[str]:
    yield f"### {name}"
    yield f"{operation['summary']}. {operation['description']}"
    yield _credentials(operation["security"])
    yield _parameters(operation)
    yield _request(operation, components)
    yield _answers(operation["responses"], components)


def _credentials(security: list[Json]) -> str:
    named = [_CREDENTIALS[name] for alternative in security for name in alternative]
    if not named:
        return ""
    word = "May be authenticated by" if {} in security else "Needs"
    return f"{word} {' or '.join(named)}."


def _parameters(operation: Json) -> str:
    rows = [
        (pages.code(each["name"]), "needed" if each["required"] else "optional", _parameter(each))
        for each in operation.get("parameters", [])
    ]
    return pages.table(("parameter", "", "meaning"), rows) if rows else ""


def _parameter(told: Json) -> str:
    schema = told["schema"]
    limits = f"From {schema['minimum']} to {schema['maximum']}." if "maximum" in schema else ""
    default = f"Default: {pages.code(schema['default'])}." if "default" in schema else ""
    return " ".join(part for part in (told["description"], limits, default) if part)


def _request(operation: Json, components: Json) -> str:
    body = operation.get("requestBody")
    if body is None:
        return ""
    kinds = " or ".join(map(pages.code, body["content"]))
    schema = _resolved(next(iter(body["content"].values())), components)
    presence = "Takes" if body["required"] else "May have a body of"
    rows = ((pages.code(name), need, says) for name, need, says in _properties(schema, components))
    return f"{presence} {kinds}:\n\n{pages.table(('field', '', 'meaning'), rows)}"


def _answers(responses: Json, components: Json) -> str:
    told = {status: answer for status, answer in responses.items() if status != _ANY_MAY}
    return pages.table(("status", "answer"), ((status, _says(status, told[status], components)) for status in told))


def _says(status: str, answer: Json, components: Json) -> str:
    """Return what an answer means and, of one that is no error, the members of its body."""
    if not status.startswith("2"):
        return str(answer["description"])
    content: Json = next(iter(answer.get("content", {}).values()), {})
    members = [pages.code(name) for name, _, _ in _properties(_resolved(content, components), components)]
    return " ".join((answer["description"], ", ".join(members))).strip()


def _properties(schema: Json, components: Json) -> Iterable[tuple[str, str, str]]:
    required = schema.get("required", [])
    for name, details in schema.get("properties", {}).items():
        yield name, "needed" if name in required else "optional", _field(details, components)


def _field(details: Json, components: Json) -> str:
    """Return the description of a field, with its choices, its length and its default."""
    choices = [value for alternative in _alternatives(details) for value in _enum(alternative, components)]
    longest = [alternative["maxLength"] for alternative in _alternatives(details) if "maxLength" in alternative]
    default = details.get("default")
    parts = (
        details.get("description", ""),
        f"One of {', '.join(map(pages.code, choices))}." if choices else "",
        f"At most {longest[0]} characters." if longest else "",
        f"Default: {pages.code(default)}." if default else "",
    )
    return " ".join(part for part in parts if part)


def _alternatives(details: Json) -> list[Json]:
    return [details, *details.get("anyOf", []), *details.get("allOf", [])]


def _enum(details: Json, components: Json) -> list[str]:
    values: list[str] = _resolved({"schema": details}, components).get("enum", [])
    return values


def _resolved(content: Json, components: Json) -> Json:
    schema: Json = content.get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Json = components["schemas"][name] if name else schema
    return found


_ANY_MAY: Final = "500"
_CREDENTIALS: Final = {"bearer": "an access token (`Authorization: Bearer …`)", "refreshCookie": "the refresh cookie"}
_INTRO: Final = """\
Paths are relative to the issuer. Answers are JSON; times are whole epoch seconds. Every answer carries `X-Request-Id`,
which leads to its line in the log, and every answer with a token `Cache-Control: no-store`. A running server has the
same as `/openapi.json`, and for people as `/docs`. What each code means is in [errors](errors.md); any operation may
also answer 500 `server_error`.

Cookies are `__Host-keyturn_refresh`, `__Host-keyturn_access` and `__Host-keyturn_device`; an issuer on
`http://localhost` or `http://127.0.0.1` has the same without `__Host-`."""
