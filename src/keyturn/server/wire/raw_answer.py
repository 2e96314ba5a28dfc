"""Answers of a connection itself, where no request came to be that an endpoint could answer: problems (RFC 9457)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from keyturn.errors import InvalidRequest, KeyturnError, TemporarilyUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """The bytes before and after the headers that every answer of the server has. The connection is closed then."""

    status_line: bytes
    rest: bytes

    def with_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Return the whole answer."""
        lines = [name + b": " + value + b"\r\n" for name, value in headers]
        return b"".join([self.status_line, *lines, self.rest])


def raw_answer(error: type[KeyturnError], *headers: bytes) -> RawAnswer:
    """Return the answer to *error*, with more *headers*."""
    status = HTTPStatus(error.status)
    problem = {"type": "about:blank", "title": error.sentence, "status": status, "error": error.code.value}
    body = json.dumps(problem).encode()
    lines = (
        b"content-type: application/problem+json",
        b"cache-control: no-store",
        b"connection: close",
        b"content-length: %d" % len(body),
        *headers,
    )
    return RawAnswer(
        status_line=f"HTTP/1.1 {status} {status.phrase}\r\n".encode(), rest=b"\r\n".join([*lines, b"", body])
    )


MALFORMED: Final = raw_answer(InvalidRequest)
TOO_MANY_CONNECTIONS: Final = raw_answer(TemporarilyUnavailable, b"retry-after: 1")
