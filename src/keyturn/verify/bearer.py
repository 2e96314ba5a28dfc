"""A bearer token in the Authorization header, and the answer when it is not good enough (RFC 6750 §2.1, §3). Pure.

Every adapter and the server speak through these functions, so that all of them read and answer alike. A token is
read from the header alone, never from a query or a form.
"""

import re
from collections.abc import Sequence
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


def parse_authorization(values: Sequence[str]) -> str:
    """Return the token in *values*, which are all values of a request's Authorization headers.

    The scheme may be in any letter case. Another scheme than Bearer is as good as no token (RFC 6750 §3.1).

    Raises:
        MissingToken: there is no such header, or one of another scheme.
        InvalidRequest: there are two, or it is not ``Bearer`` and one token.

    """
    text = find_credentials(values)
    check_b64token(text)
    return text


def find_credentials(values: Sequence[str]) -> str:
    """Return what follows ``Bearer``, whatever it is; else do what :func:`parse_authorization` does.

    For who verifies the text next: what a signature vouches for needs no look at its characters, and what was
    refused goes to :func:`check_b64token`.
    """
    if not values:
        raise MissingToken
    if len(values) > 1:
        raise InvalidRequest("the Authorization header is there twice")
    scheme, _, rest = values[0].partition(" ")
    if scheme.lower() == "bearer":
        return rest.lstrip(" ")
    if _SCHEME.fullmatch(scheme):
        raise MissingToken
    raise InvalidRequest("the Authorization header is malformed")


def check_b64token(text: str) -> None:
    """Let *text* pass if it has the form of a token.

    Raises:
        InvalidRequest: it is no ``b64token`` (RFC 6750 §2.1).

    """
    if not _B64TOKEN.fullmatch(text):
        raise InvalidRequest("the Authorization header is malformed")


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


def _quotable(text: str) -> str:
    """Replace what RFC 6749 §5.2 keeps out of these values: quotes, backslashes, controls, all beyond ASCII."""
    return _NOT_QUOTABLE.sub("?", text)


_CHALLENGED: Final = (MissingToken, InvalidToken, InvalidRequest, InsufficientScope)

_B64TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")

#: ``token`` of RFC 9110 §5.6.2.
_SCHEME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_NOT_QUOTABLE: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
