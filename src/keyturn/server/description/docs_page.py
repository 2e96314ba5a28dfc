"""The API for people: one HTML page, made on the server from the OpenAPI document. No script, nothing from elsewhere.

Its only style is in the page, and the Content-Security-Policy lets in just that, by its hash (CSP3 §2.3.1).
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlencode

from keyturn.errors import KeyturnError
from keyturn.server.description.openapi import document, errors_by_status
from keyturn.server.description.operation import Credential, Operation
from keyturn.server.description.operations import OPERATIONS
from keyturn.server.reading.media_type import MediaType


@lru_cache(maxsize=4)
def page(issuer: str) -> str:
    """Return the page for the server at *issuer*."""
    tags = list(dict.fromkeys(operation.tag for operation in OPERATIONS))
    described = document(issuer)
    chapters = (_chapter(tag, described, issuer) for tag in tags)
    return _PAGE.format(
        style=_style(),
        issuer=escape(issuer),
        navigation="".join(map(_navigation, tags)),
        lead=_prose(described["info"]["description"]),
        chapters="".join(chapters),
        errors=_errors(),
    )


@lru_cache(maxsize=1)
def content_security_policy() -> str:
    """Return the policy that lets the page's own style in, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@lru_cache(maxsize=1)
def _style() -> str:
    return files("keyturn.server.description").joinpath("docs.css").read_text(encoding="utf-8")


def _navigation(tag: str) -> str:
    links = (
        f'<li><a href="#{_anchor(operation)}">{_method(operation)}{escape(operation.path)}</a></li>'
        for operation in _of(tag)
    )
    return f"<h2>{escape(tag)}</h2><ul>{''.join(links)}</ul>"


def _chapter(tag: str, described: dict[str, Any], issuer: str) -> str:
    articles = (_article(operation, described, issuer) for operation in _of(tag))
    return f"<h2>{escape(tag)}</h2>{''.join(articles)}"


def _article(operation: Operation, described: dict[str, Any], issuer: str) -> str:
    parts = (
        f"<h3>{_method(operation)}<code>{escape(operation.path)}</code> · {escape(operation.summary)}</h3>",
        f"<p>{_prose(operation.description)}</p>",
        _table("Parameters", _parameters(operation, described)),
        _table("Fields", _fields(operation, described)),
        _table("Answers", _answers(operation, described)),
        _table("Errors", _refusals(operation)),
        f"<h4>Example</h4><pre><code>{escape(_curl(operation, issuer))}</code></pre>",
    )
    return f'<article id="{_anchor(operation)}">{"".join(parts)}</article>'


def _parameters(operation: Operation, described: dict[str, Any]) -> list[tuple[str, str]]:
    told = described["paths"][operation.path][operation.method.lower()].get("parameters", [])
    return [(f"`{each['name']}`", f"{'' if each['required'] else 'Optional. '}{each['description']}") for each in told]


def _fields(operation: Operation, described: dict[str, Any]) -> Iterable[tuple[str, str]]:
    if operation.body is None:
        return []
    return _properties(described["components"]["schemas"][operation.body.__name__])


def _answers(operation: Operation, described: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [(str(operation.status), operation.answer_says)]
    if operation.answer is not None:
        rows += _properties(described["components"]["schemas"][operation.answer.__name__])
    return rows + [(str(status), says) for status, says in operation.more]


def _properties(schema: dict[str, Any]) -> list[tuple[str, str]]:
    required = schema.get("required", [])
    return [
        (f"`{name}`", f"{'' if name in required else 'Optional. '}{details.get('description', '')}")
        for name, details in schema.get("properties", {}).items()
    ]


def _refusals(operation: Operation) -> list[tuple[str, str]]:
    return [
        (f"{status} `{error.code.value}`", error.sentence)
        for status, errors in errors_by_status(operation).items()
        for error in errors
    ]


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td>{_prose(name)}</td><td>{_prose(says)}</td></tr>" for name, says in rows)
    return f'<h4>{title}</h4><div class="scroll"><table>{cells}</table></div>' if cells else ""


def _curl(operation: Operation, issuer: str) -> str:
    """Return a command that can be pasted into a shell: the examples hold no quote."""
    words = [f"curl {issuer}{operation.path}"]
    if operation.method == "DELETE" or (operation.method == "POST" and not operation.example):
        words[0] = f"curl -X {operation.method} {issuer}{operation.path}"
    if Credential.BEARER in operation.credentials:
        words.append("-H 'Authorization: Bearer eyJ…'")
    if operation.example and MediaType.JSON in operation.takes:
        words += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(dict(operation.example))}'"]
    elif operation.example:
        words.append(f"-d '{urlencode(operation.example, safe='…')}'")
    return " \\\n  ".join(words)


def _errors() -> str:
    known: list[type[KeyturnError]] = [KeyturnError]
    for operation in OPERATIONS:
        known += operation.errors
    by_code: dict[str, list[type[KeyturnError]]] = {}
    for error in dict.fromkeys(known):
        by_code.setdefault(error.code.value, []).append(error)
    return "".join(map(_error, sorted(by_code.items())))


def _error(entry: tuple[str, list[type[KeyturnError]]]) -> str:
    code, errors = entry
    says = "".join(f"<dd>{error.status}: {escape(error.sentence)}</dd>" for error in errors)
    return f'<dt id="{code}"><code>{code}</code></dt>{says}'


def _of(tag: str) -> list[Operation]:
    return [operation for operation in OPERATIONS if operation.tag == tag]


def _anchor(operation: Operation) -> str:
    return escape(re.sub(r"[^a-z]+", "-", f"{operation.method}{operation.path}".lower()).strip("-"))


def _method(operation: Operation) -> str:
    return f'<span class="method {operation.method}">{operation.method}</span>'


def _prose(text: str) -> str:
    """Return *text* as HTML, with what stands in backticks as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Keyturn API</title>
<style>{style}</style>
</head>
<body>
<div class="frame">
<nav aria-label="Operations">{navigation}<h2>Errors</h2><ul><li><a href="#errors">All error codes</a></li></ul></nav>
<main>
<h1>Keyturn API</h1>
<p class="lead">{lead}</p>
<p class="soft">Issuer <code>{issuer}</code> · for programs: <a href="{issuer}/openapi.json">openapi.json</a></p>
{chapters}
<h2 id="errors">Errors</h2>
<p>Each answer to something that is wrong has one of these as <code>error</code>.</p>
<dl>{errors}</dl>
</main>
</div>
</body>
</html>
"""
