"""Errors as responses: one hierarchy, three faces. The only place of the server where an error gets a body.

OAuth endpoints speak RFC 6749 §5.2; what takes a bearer token challenges as RFC 6750 §3 says; the rest is a problem
(RFC 9457). Every body has the code as ``"error"``, and none repeats what the peer sent.
"""

from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keyturn.errors import (
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    KeyturnError,
    MethodNotAllowed,
    MissingToken,
    NotFound,
)
from keyturn.server.reading.validation import FieldsRefused
from keyturn.verify import bearer


class Face(StrEnum):
    """How an endpoint words its errors."""

    OAUTH = "oauth"
    BEARER = "bearer"
    PROBLEM = "problem"


class ProblemResponse(JSONResponse):
    """A problem (RFC 9457 §3)."""

    media_type = "application/problem+json"


def answer(error: KeyturnError, face: Face, *, issuer: str) -> Response:
    """Return what a peer is told about *error*.

    Raises:
        KeyturnError: *error* itself, if it is a fault of ours: nobody but the log is told of that.

    """
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and error.retry_after is None:
        raise error
    if face is Face.OAUTH:
        return _oauth(error)
    if is_challenged(type(error), face):
        challenged = bearer.answer(error, realm=issuer)
        return JSONResponse(challenged.body, status_code=challenged.status, headers=challenged.headers)
    return _problem(error, issuer=issuer)


def is_challenged(error: type[KeyturnError], face: Face) -> bool:
    """Say whether an error of this type is about the bearer token of a request, and is answered with a challenge."""
    return issubclass(error, InvalidToken) or (face is Face.BEARER and error in _ABOUT_THE_TOKEN)


def server_error(request_id: str, face: Face, *, issuer: str) -> Response:
    """Return what a peer is told when something broke here: an id that leads to the log, and nothing else.

    RFC 6749 §5.2 has no member for the id; it stands in the header of every answer as well.
    """
    if face is Face.OAUTH:
        return _oauth(KeyturnError())
    body = _body(KeyturnError(), issuer=issuer) | {"request_id": request_id}
    return ProblemResponse(body, status_code=HTTPStatus.INTERNAL_SERVER_ERROR, headers=_NO_STORE)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Turn what Starlette's router raises, an unknown URL or method, into a problem."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (404, None)
    issuer = request.app.state.keyturn.settings.issuer
    response = _problem(_OF_THE_ROUTER.get(status, NotFound)(), issuer=issuer)
    response.headers.update(headers or {})
    return response


def _oauth(error: KeyturnError) -> Response:
    body = {"error": error.code.value, "error_description": str(error)}
    return JSONResponse(body, status_code=error.status, headers=_headers(error))


def _problem(error: KeyturnError, *, issuer: str) -> Response:
    return ProblemResponse(_body(error, issuer=issuer), status_code=error.status, headers=_headers(error))


def _body(error: KeyturnError, *, issuer: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"{issuer}/docs#{error.code.value}",
        "title": type(error).sentence,
        "status": error.status,
        "error": error.code.value,
    }
    if str(error) != type(error).sentence:
        body["detail"] = str(error)
    if isinstance(error, FieldsRefused):
        body["errors"] = [{"field": each.field, "message": each.message} for each in error.errors]
    return body


def _headers(error: KeyturnError) -> dict[str, str]:
    if error.retry_after is None:
        return _NO_STORE
    return _NO_STORE | {"Retry-After": str(error.retry_after)}


_NO_STORE: Final = {"Cache-Control": "no-store"}
_ABOUT_THE_TOKEN: Final = frozenset({MissingToken, InvalidRequest, InsufficientScope})
_OF_THE_ROUTER: Final[dict[int, type[KeyturnError]]] = {404: NotFound, 405: MethodNotAllowed}
