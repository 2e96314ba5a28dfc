"""A bearer token in the Authorization header, and the answer when it is not good enough (RFC 6750 §2.1, §3). Pure.

Every adapter and the server speak through these functions, so that all of them read and answer alike. A token is
read from the header alone, never from a query or a form.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from keyturn.errors import InsufficientScope, InvalidRequest, InvalidToken, KeyturnError, MissingToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to tell a peer: an HTTP answer that no framework has seen yet.

    Attributes:
        status: the HTTP status.
        headers: the headers that go with it.
        body: the JSON object of the body.

    """

    status: int
    headers: dict[str, str]
    body: dict[str, str]


def parse_authorization(values: Iterable[str]) -> str:
    """Return the token in *values*, which are all values of a request's Authorization headers.

    The scheme may be in any letter case. Another scheme than Bearer is as good as no token (RFC 6750 §3.1).

    Raises:
        MissingToken: there is no such header, or one of another scheme.
        InvalidRequest: there are two, or it is not ``Bearer`` and one token.

    """
    headers = tuple(values)
    if not headers:
        raise MissingToken
    if len(headers) > 1:
        raise InvalidRequest("the Authorization header is there twice")
    found = _CREDENTIALS.fullmatch(headers[0])
    if found is None:
        return _refuse(headers[0])
    return found[1]


def answer(error: KeyturnError, *, realm: str) -> Answer:
    """Return what a peer is told about *error*.

    Args:
        error: what was raised. Only its public side is used.
        realm: the protection space; characters that a quoted string can't carry are replaced.

    """
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, _CHALLENGED):
        headers["WWW-Authenticate"] = challenge(error, realm=realm)
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return Answer(
        status=error.status,
        headers=headers,
        body={"error": error.code.value, "error_description": str(error)},
    )


def challenge(error: KeyturnError, *, realm: str) -> str:
    """Return the value of WWW-Authenticate for *error* (RFC 6750 §3).

    It names an error code unless no token was sent, and the scopes where a scope is what is missing.
    """
    attributes = {"realm": realm}
    if not isinstance(error, MissingToken):
        attributes |= {"error": error.code.value, "error_description": str(error)}
    if isinstance(error, InsufficientScope) and error.scopes:
        attributes["scope"] = " ".join(error.scopes)
    return "Bearer " + ", ".join(f'{name}="{_quotable(value)}"' for name, value in attributes.items())


def _refuse(header: str) -> str:
    """Tell a malformed Bearer header from one of another scheme."""
    scheme = header.split(" ", 1)[0]
    if _OTHER_SCHEME.fullmatch(scheme) and scheme.lower() != "bearer":
        raise MissingToken
    raise InvalidRequest("the Authorization header is malformed")


def _quotable(text: str) -> str:
    """Replace what RFC 6749 §5.2 keeps out of these values: quotes, backslashes, controls, all beyond ASCII."""
    return _NOT_QUOTABLE.sub("?", text)


_CHALLENGED: Final = (MissingToken, InvalidToken, InvalidRequest, InsufficientScope)

#: ``b64token`` of RFC 6750 §2.1, after a scheme in any letter case.
_CREDENTIALS: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9\-._~+/]+=*)")

#: ``token`` of RFC 9110 §5.6.2.
_OTHER_SCHEME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_NOT_QUOTABLE: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
