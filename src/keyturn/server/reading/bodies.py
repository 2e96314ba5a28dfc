"""The body of a request: bounded before it is read whole, of one media type, with one meaning (RFC 6749 §3.1).

Nothing here hashes or asks a database, so a body that is refused has cost next to nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request

from keyturn.errors import ContentTooLarge, InvalidRequest
from keyturn.server.reading import form, media_type
from keyturn.server.reading.media_type import MediaType
from keyturn.tokens import strict_json

MAX_BYTES: Final = 16 * 1024

JSON: Final = frozenset({MediaType.JSON})
FORM: Final = frozenset({MediaType.FORM})
JSON_OR_FORM: Final = JSON | FORM


async def read_fields(request: Request, accepted: frozenset[MediaType]) -> tuple[MediaType, dict[str, Any]]:
    """Return what kind of body the request has, and its fields.

    An empty field of a form counts as omitted (RFC 6749 §3.1).

    Raises:
        UnsupportedMediaType: the body is of another kind than *accepted*.
        ContentTooLarge: it has more than 16 KiB or more than 64 fields.
        InvalidRequest: it is malformed, has a field twice or a NUL in it.

    """
    kind = media_type.parse(request.headers.getlist("content-type"), accepted)
    return kind, _parse(kind, await read_bytes(request))


async def read_optional_fields(request: Request, accepted: frozenset[MediaType]) -> dict[str, Any]:
    """Return the fields of a body that may also be absent; then any Content-Type is as good as none.

    Raises:
        UnsupportedMediaType: there is a body, of another kind than *accepted*.
        ContentTooLarge: it has more than 16 KiB or more than 64 fields.
        InvalidRequest: it is malformed, has a field twice or a NUL in it.

    """
    data = await read_bytes(request)
    if not data:
        return {}
    return _parse(media_type.parse(request.headers.getlist("content-type"), accepted), data)


async def read_bytes(request: Request) -> bytes:
    """Return the body.

    Raises:
        ContentTooLarge: it has more than 16 KiB, or says so.
        InvalidRequest: there is one, and it did not get here.
        ClientDisconnect: the peer went away.

    """
    announced = _announced(request)
    if announced > MAX_BYTES:
        raise ContentTooLarge("announced")
    body, more = bytearray(), True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > MAX_BYTES:
            raise ContentTooLarge("sent")
        more = message.get("more_body", False)
    if not body and (announced or _may_be_kept_back(request)):
        raise InvalidRequest("a body that did not come")
    return bytes(body)


def _announced(request: Request) -> int:
    """Return the Content-Length, as far as it is one: what counts in the end is what is sent."""
    text = request.headers.get("content-length", "0")
    return int(text) if text.isdecimal() and len(text) < _LONGEST_LENGTH else MAX_BYTES + 1


def _may_be_kept_back(request: Request) -> bool:
    """Say whether the app around us may run in a server that takes a body behind an Upgrade for another protocol.

    A logout whose refresh token got lost so must not be answered like one that had nothing to end.
    """
    return "upgrade" in request.headers and "transfer-encoding" in request.headers


def _parse(kind: MediaType, data: bytes) -> dict[str, Any]:
    fields = _PARSERS[kind](data)
    if len(fields) > form.MAX_FIELDS:
        raise ContentTooLarge("too many fields", sentence="The body has too many fields.")
    if b"\0" in data or (any(sign in data for sign in _NUL_SIGNS) and _has_nul(fields)):
        raise InvalidRequest("NUL", sentence="A parameter has a NUL character in it.")
    return fields


def _has_nul(fields: Mapping[str, Any]) -> bool:
    return any("\0" in text for pair in fields.items() for text in pair if isinstance(text, str))


def _parse_json(data: bytes) -> dict[str, Any]:
    try:
        return strict_json.parse_object(data)
    except ValueError:
        raise InvalidRequest("no strict JSON object", sentence="The body is not one strict JSON object.") from None


def _parse_form(data: bytes) -> dict[str, Any]:
    return {name: value for name, value in form.parse(data).items() if value}


_LONGEST_LENGTH: Final = 20

#: How a NUL is written in a form and in JSON.
_NUL_SIGNS: Final = (b"%00", b"\\u0000")
_PARSERS: Final[Mapping[MediaType, Callable[[bytes], dict[str, Any]]]] = {
    MediaType.JSON: _parse_json,
    MediaType.FORM: _parse_form,
}
