"""The OpenAPI 3.1 document, made from the table of operations and the models that requests are read with."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from keyturn.errors import InvalidToken, KeyturnError
from keyturn.server.cookies import Cookies
from keyturn.server.description import models
from keyturn.server.description.openapi_parameters import parameters
from keyturn.server.description.operation import Access, Credential, Operation, Presence
from keyturn.server.description.operations import OPERATIONS
from keyturn.server.problems import Face, is_challenged
from keyturn.server.reading.media_type import MediaType

Json = dict[str, Any]


@lru_cache(maxsize=4)
def document(issuer: str) -> Json:
    """Return the document of the server at *issuer*."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Keyturn", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": issuer}],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": _security_schemes(issuer), "headers": _HEADERS},
    }


def errors_by_status(operation: Operation) -> dict[int, list[type[KeyturnError]]]:
    """Return the errors that *operation* knows, under the status they are answered with."""
    grouped: dict[int, list[type[KeyturnError]]] = {}
    known: list[type[KeyturnError]] = [*operation.errors, KeyturnError]
    for error in dict.fromkeys(known):
        grouped.setdefault(error.status, []).append(error)
    return dict(sorted(grouped.items()))


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": _operation_id(operation),
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "responses": _responses(operation),
        "security": _security(operation),
    }
    if named := parameters(operation):
        described["parameters"] = named
    if operation.body is not None:
        described["requestBody"] = _request_body(operation, operation.body)
    return described


def _operation_id(operation: Operation) -> str:
    words = operation.path.translate(str.maketrans("/{}.-", "     ")).split()
    return "_".join((operation.method.lower(), *words)).replace("__", "_")


def _request_body(operation: Operation, body: type[BaseModel]) -> Json:
    names = {MediaType.JSON: body.__name__, MediaType.FORM: _form_name(body)}
    return {
        "required": operation.presence is Presence.REQUIRED,
        "content": {str(kind): {"schema": _ref(names[kind])} for kind in operation.takes},
    }


def _responses(operation: Operation) -> Json:
    responses = {str(operation.status): _success(operation)}
    for status, says in operation.more:
        responses[str(status)] = {"description": says, "headers": _headers(())} | _same_body(operation, status)
    for status, errors in errors_by_status(operation).items():
        responses[str(status)] = _refusal(operation, status, errors)
    return responses


def _success(operation: Operation) -> Json:
    response: Json = {"description": operation.answer_says, "headers": _headers(operation.answer_headers)}
    if operation.answer is not None:
        response["content"] = {operation.answer_type: {"schema": _ref(operation.answer.__name__)}}
    return response


def _same_body(operation: Operation, status: int) -> Json:
    """Return the body of a further answer: that of the first one, but for the statuses that have none."""
    if operation.answer is None or status in _BODILESS:
        return {}
    return {"content": {operation.answer_type: {"schema": _ref(operation.answer.__name__)}}}


def _refusal(operation: Operation, status: int, errors: Iterable[type[KeyturnError]]) -> Json:
    kinds = {_error_kind(error, operation.face) for error in errors}
    codes = dict.fromkeys(f"`{error.code.value}`: {error.sentence}" for error in errors)
    return {
        "description": " ".join(codes),
        "headers": _headers(_error_headers(operation, status)),
        "content": {media_type: {"schema": _ref(model.__name__)} for media_type, model in sorted(kinds, key=str)},
    }


def _error_kind(error: type[KeyturnError], face: Face) -> tuple[str, type[BaseModel]]:
    speaks_oauth = face is Face.OAUTH
    if speaks_oauth or is_challenged(error, face):
        return "application/json", models.OAuthError
    return "application/problem+json", models.Problem


def _error_headers(operation: Operation, status: int) -> tuple[str, ...]:
    if status in _RETRY:
        return ("Retry-After",)
    if status == HTTPStatus.UNAUTHORIZED and InvalidToken in operation.errors:
        return ("WWW-Authenticate",)
    return ()


def _headers(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}


def _security(operation: Operation) -> list[Json]:
    needed: list[Json] = [{credential.value: []} for credential in operation.credentials]
    return [{}, *needed] if operation.access is Access.OPEN else needed


def _security_schemes(issuer: str) -> Json:
    cookie = Cookies.of(issuer, "strict").refresh
    return {
        Credential.BEARER.value: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        Credential.REFRESH_COOKIE.value: {"type": "apiKey", "in": "cookie", "name": cookie},
    }


def _schemas() -> Json:
    requests: list[type[BaseModel]] = [operation.body for operation in OPERATIONS if operation.body is not None]
    answers: list[type[BaseModel]] = [models.OAuthError, models.Problem]
    answers += [operation.answer for operation in OPERATIONS if operation.answer is not None]
    _, of_requests = models_json_schema([(model, "validation") for model in requests], ref_template=_REF)
    _, of_answers = models_json_schema([(model, "serialization") for model in answers], ref_template=_REF)
    schemas = {**of_requests["$defs"], **_without_null(of_answers["$defs"])}
    forms = {_form_name(model): _without_null(schemas[model.__name__]) for model in requests}
    return dict(sorted({**schemas, **forms}.items()))


def _without_null(schema: Any) -> Any:  # noqa: ANN401 - any part of a JSON Schema
    """Return *schema* without ``null``: a form can't say it, and an answer leaves out what it does not have."""
    if isinstance(schema, list):
        return [_without_null(part) for part in schema if part != _NULL]
    if not isinstance(schema, Mapping):
        return schema
    parts = {name: _without_null(part) for name, part in schema.items() if (name, part) != ("default", None)}
    alternatives = parts.pop("anyOf", None)
    if alternatives is None:
        return parts
    return {**parts, **(alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives})}


def _form_name(model: type[BaseModel]) -> str:
    return f"{model.__name__}Form"


def _ref(name: str) -> Json:
    return {"$ref": _REF.format(model=name)}


_REF: Final = "#/components/schemas/{model}"
_NULL: Final = {"type": "null"}
_BODILESS: Final = frozenset({HTTPStatus.SEE_OTHER, HTTPStatus.NOT_MODIFIED})
_RETRY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})

_HEADERS: Final[Json] = {
    "X-Request-Id": {
        "description": "Leads to the request in the log.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "The challenge (RFC 6750 §3).",
        "required": True,
        "schema": {"type": "string", "pattern": "^Bearer realm="},
    },
    "ETag": {"description": "The version.", "required": True, "schema": {"type": "string"}},
    "Set-Cookie": {
        "description": "The cookies of a `browser` or `cookie` session.",
        "required": False,
        "schema": {"type": "string"},
    },
}

_DESCRIPTION: Final = (
    "Logs users in, keeps their sessions and issues access tokens (RFC 9068). Times are whole epoch seconds. "
    "Every answer to something that is wrong has its code as `error`."
)
