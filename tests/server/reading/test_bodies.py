"""A body is bounded before it is read whole, and refused before anything is hashed (WEB-11)."""

from collections.abc import Iterable
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from keyturn.errors import ContentTooLarge, InvalidRequest, UnsupportedMediaType
from keyturn.server.reading.bodies import (
    FORM,
    JSON,
    JSON_OR_FORM,
    MAX_BYTES,
    read_bytes,
    read_fields,
    read_optional_fields,
)

JSON_TYPE = (b"content-type", b"application/json")
FORM_TYPE = (b"content-type", b"application/x-www-form-urlencoded")


class Peer:
    """Sends a body in parts and counts how many were asked for."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = list(parts)
        self.asked = 0

    async def receive(self) -> dict[str, Any]:
        """Send the next part."""
        if self.asked == len(self._parts):
            return {"type": "http.disconnect"}
        part = self._parts[self.asked]
        self.asked += 1
        return {"type": "http.request", "body": part, "more_body": self.asked < len(self._parts)}


def request_of(peer: Peer, *headers: tuple[bytes, bytes]) -> Request:
    """Return a POST of *peer*."""
    return Request({"type": "http", "method": "POST", "headers": list(headers)}, peer.receive)


async def test_a_json_object_in_parts_is_read() -> None:
    """However the bytes come, they are one object."""
    peer = Peer([b'{"username": "a', b'da"}'])

    assert (await read_fields(request_of(peer, JSON_TYPE), JSON_OR_FORM))[1] == {"username": "ada"}


async def test_an_empty_field_of_a_form_is_omitted() -> None:
    """RFC 6749 §3.1: a parameter without a value is one that was not sent."""
    peer = Peer([b"grant_type=refresh_token&scope="])

    assert (await read_fields(request_of(peer, FORM_TYPE), FORM))[1] == {"grant_type": "refresh_token"}


async def test_a_body_of_16_kib_is_read() -> None:
    """The limit itself is allowed."""
    assert len(await read_bytes(request_of(Peer([b"x" * MAX_BYTES])))) == MAX_BYTES


@pytest.mark.parametrize("length", [str(MAX_BYTES + 1), "9" * 30, "-1", "x", "²"])
async def test_a_body_that_announces_more_is_not_read_at_all(length: str) -> None:
    """A21, A49: an announced length beyond the limit, or none at all, is refused before the first byte."""
    peer = Peer([b"{}"])

    with pytest.raises(ContentTooLarge):
        await read_bytes(request_of(peer, (b"content-length", length.encode("latin-1"))))
    assert peer.asked == 0


async def test_a_body_without_a_length_is_read_no_further_than_the_limit() -> None:
    """A21: a chunked body that goes on and on is dropped at the first byte too many."""
    peer = Peer([b"x" * 1000] * 1000)

    with pytest.raises(ContentTooLarge):
        await read_bytes(request_of(peer))
    assert peer.asked == MAX_BYTES // 1000 + 1


async def test_a_length_that_lies_does_not_help() -> None:
    """What counts is what is sent."""
    peer = Peer([b"x" * (MAX_BYTES + 1)])

    with pytest.raises(ContentTooLarge):
        await read_bytes(request_of(peer, (b"content-length", b"2")))


async def test_a_peer_that_goes_away_is_no_request() -> None:
    """Half a body is no body."""
    peer = Peer([])

    with pytest.raises(ClientDisconnect):
        await read_bytes(request_of(peer))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"text"',
        b"{",
        b'{"a": 1} x',
        b'{"username": "a", "username": "b"}',
        b'{"username": "a", "usern\\u0061me": "b"}',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "\xff"}',
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b'{"a": "b\\u0000c"}',
        b'{"b\\u0000c": "a"}',
        b"[" * 5000,
    ],
)
async def test_json_with_no_or_two_meanings_is_refused(body: bytes) -> None:
    """A18, A19, A20: duplicate names, other encodings, surrogates, NUL, anything that is no object."""
    with pytest.raises(InvalidRequest) as refusal:
        await read_fields(request_of(Peer([body]), JSON_TYPE), JSON)
    assert refusal.value.status == 400


@pytest.mark.parametrize("body", [b"a=%00", b"%00=a", b"a=1&a=1", b"a=%ff"])
async def test_a_form_with_no_or_two_meanings_is_refused(body: bytes) -> None:
    """A19, A56: the same for forms."""
    with pytest.raises(InvalidRequest):
        await read_fields(request_of(Peer([body]), FORM_TYPE), FORM)


async def test_a_body_that_may_be_absent_needs_no_content_type() -> None:
    """No body is no fields; a body of an unknown kind is refused."""
    absent = request_of(Peer([b""]), (b"content-type", b"text/plain"))
    unknown = request_of(Peer([b"refresh_token=x"]), (b"content-type", b"text/plain"))

    assert await read_optional_fields(absent, JSON_OR_FORM) == {}
    with pytest.raises(UnsupportedMediaType):
        await read_optional_fields(unknown, JSON_OR_FORM)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-length", b"40")],
        [(b"content-length", b"40"), (b"upgrade", b"h2c")],
        [(b"transfer-encoding", b"chunked"), (b"upgrade", b"h2c")],
    ],
)
async def test_a_body_that_got_lost_is_not_taken_for_none(headers: list[tuple[bytes, bytes]]) -> None:
    """A56, A37: a server that an app runs in may lose what is behind an Upgrade; nobody is told they are logged out."""
    for read in (read_fields, read_optional_fields):
        with pytest.raises(InvalidRequest):
            await read(request_of(Peer([b""]), JSON_TYPE, *headers), JSON_OR_FORM)


@pytest.mark.parametrize(
    "header", [(b"content-length", b"0"), (b"transfer-encoding", b"chunked"), (b"upgrade", b"h2c")]
)
async def test_a_body_that_is_not_there_may_be_said_to_be(header: tuple[bytes, bytes]) -> None:
    """An empty one is as good as none."""
    assert await read_optional_fields(request_of(Peer([b""]), header), JSON_OR_FORM) == {}
