"""HTTP itself, sent wrongly: heads that are too large, lengths that lie, chunks that are none, half a request.

Whatever comes, the answer is a 4xx or the line is cut. No second request is read out of the first one's body, nothing
is changed, and the server goes on.
"""

import asyncio
from collections.abc import Iterator

import faces
import pytest
from wire import FORM, Answer, Wire, ask, logout_request, me_request, refresh_request, request

from keyturn.core.issue import Issued
from server import Installation, Server, add_users, install, log_in, serving

pytestmark = pytest.mark.slow

HOST = b"Host: x\r\n"
SMUGGLED = b"GET /me HTTP/1.1\r\nHost: x\r\n\r\n"

HEADS = {
    "a header of 64 KiB": b"GET /me HTTP/1.1\r\n" + HOST + b"X: " + b"e" * 65_536 + b"\r\n\r\n",
    "two hundred headers": b"GET /me HTTP/1.1\r\n" + HOST + b"X: e\r\n" * 200 + b"\r\n",
    "a URL of 64 KiB": b"GET /" + b"e" * 65_536 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a control character in a header": b"GET /me HTTP/1.1\r\n" + HOST + b"Authorization: Bearer \x1bevil\r\n\r\n",
    "NUL in a header": b"GET /me HTTP/1.1\r\n" + HOST + b"X: a\x00evil\r\n\r\n",
    "a bare CR in a header": b"GET /me HTTP/1.1\r\n" + HOST + b"X: a\revil: b\r\n\r\n",
    "a space before the colon": b"GET /me HTTP/1.1\r\n" + HOST + b"Content-Length : 3\r\n\r\n",
    "a line without a colon": b"GET /me HTTP/1.1\r\n" + HOST + b"evil\r\n\r\n",
    "no method that anybody knows": b"EVIL /me HTTP/1.1\r\n" + HOST + b"\r\n",
    "no version": b"GET /me\r\n" + HOST + b"\r\n",
    "a version to come": b"GET /me HTTP/7.0\r\n" + HOST + b"\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03evil\r\n\r\n",
}

LENGTHS = {
    "length and chunks": (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "two lengths": (b"Content-Length: 0\r\nContent-Length: 30\r\n", SMUGGLED),
    "two lengths in one": (b"Content-Length: 0, 30\r\n", SMUGGLED),
    "a length with a sign": (b"Content-Length: +0\r\n", SMUGGLED),
    "a negative length": (b"Content-Length: -1\r\n", SMUGGLED),
    "a length in hex": (b"Content-Length: 0x0\r\n", SMUGGLED),
    "a length beyond counting": (b"Content-Length: 99999999999999999999999\r\n", SMUGGLED),
    "chunked twice over": (b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "chunked, spelt otherwise": (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "chunked, then identity": (b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n" + SMUGGLED),
    "no chunk size": (b"Transfer-Encoding: chunked\r\n", b"evil\r\n" + SMUGGLED),
    "a negative chunk size": (b"Transfer-Encoding: chunked\r\n", b"-1\r\n" + SMUGGLED),
    "a huge chunk size": (b"Transfer-Encoding: chunked\r\n", b"fffffffffffffffff\r\n" + SMUGGLED),
    "a chunk longer than it says": (b"Transfer-Encoding: chunked\r\n", b"1\r\nevil\r\n0\r\n\r\n" + SMUGGLED),
}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation with alice."""
    made = install(tmp_path_factory.mktemp("wire"))
    add_users(made, "alice")
    return made


@pytest.fixture
def alice(installation: Installation) -> Issued:
    """A session of hers."""
    return log_in(installation, "alice")[0]


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    """Its server."""
    with serving(installation) as running:
        yield running


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
def test_a_head_that_is_none(server: Server, head: bytes) -> None:
    """VER-03, A56: it is refused with a documented error, or the line is cut."""
    answers = asyncio.run(all_answers(server, head))
    assert len(answers) <= 1
    for answer in answers:
        faces.check(answer)
    assert_alive(server)


@pytest.mark.parametrize(("headers", "body"), LENGTHS.values(), ids=LENGTHS.keys())
def test_a_length_that_lies_smuggles_nothing(server: Server, headers: bytes, body: bytes) -> None:
    """A56: what follows an ambiguous length is no request of its own."""
    head = b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Type: " + FORM.encode() + b"\r\n" + headers + b"\r\n"
    answers = asyncio.run(all_answers(server, head + body))
    assert len(answers) <= 1, "a second request was read out of the first"
    for answer in answers:
        assert 400 <= answer.status < 500
    assert_alive(server)


def test_chunks_of_any_size_are_one_body(server: Server, alice: Issued) -> None:
    """A body in chunks of one byte, with extensions and trailers, is the body that it is."""
    body = refresh_request(alice.refresh_token).partition(b"\r\n\r\n")[2]
    chunks = b"".join(b"1;evil=1\r\n%c\r\n" % byte for byte in body) + b"0\r\nX-Evil: 1\r\n\r\n"
    head = f"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()

    answer = asyncio.run(ask(server.port, head + chunks))

    assert answer.status == 200
    assert answer.json()["session_id"] == alice.session.sid


def test_half_a_request_does_nothing(server: Server, alice: Issued) -> None:
    """Whoever hangs up in the middle of a logout is not logged out."""
    asyncio.run(hang_up_after(server, logout_request(alice.refresh_token)[:-3]))

    assert asyncio.run(ask(server.port, me_request(alice.access_token))).status == 200


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_nobody_is_told_of_a_logout_whose_body_got_lost(server: Server, alice: Issued, protocol: str) -> None:
    """A37, A56: a client that also asks for another protocol is refused, or logged out; never just told so."""
    plain = logout_request(alice.refresh_token)
    asking = plain.replace(b"\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: %s\r\n" % protocol.encode(), 1)

    answer = asyncio.run(ask(server.port, asking))

    assert answer.status == 400
    faces.check(answer)
    assert asyncio.run(ask(server.port, me_request(alice.access_token))).status == 200
    assert asyncio.run(ask(server.port, plain)).status == 204
    assert asyncio.run(ask(server.port, me_request(alice.access_token))).status == 401


def test_a_slow_head_holds_nobody_up(server: Server) -> None:
    """While heads come in byte by byte, others are answered."""
    asyncio.run(trickle(server))


def test_a_host_of_somebody_else_changes_nothing(server: Server) -> None:
    """WEB-13: what the server says of itself is configured, whatever Host and forwarding headers claim."""
    headers = {"X_Forwarded_Host": "evil", "X_Forwarded_Proto": "evil", "Forwarded": "host=evil;proto=evil"}
    data = request("GET", "/.well-known/oauth-authorization-server", b"", None, **headers).replace(
        b"Host: 127.0.0.1", b"Host: evil"
    )

    answer = asyncio.run(ask(server.port, data))

    assert answer.json()["issuer"] == server.installation.issuer
    assert b"evil" not in answer.body


async def all_answers(server: Server, data: bytes) -> list[Answer]:
    """Send *data* and return every answer until the line is quiet or cut."""
    wire = await Wire.open(server.port)
    answers = []
    try:
        wire.send(data)
        while True:
            answers.append(await asyncio.wait_for(wire.receive(), 0.5))
    except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
        return answers
    finally:
        await wire.close()


async def hang_up_after(server: Server, data: bytes) -> None:
    """Send *data* and hang up."""
    wire = await Wire.open(server.port)
    wire.send(data)
    await asyncio.sleep(0.05)
    await wire.close()


async def trickle(server: Server) -> None:
    """Open connections that send a byte now and then, and ask over another one."""
    wires = await asyncio.gather(*(Wire.open(server.port) for _ in range(50)))
    for byte in b"GET /me HT":
        for wire in wires:
            wire.send(bytes([byte]))
        answer = await asyncio.wait_for(ask(server.port, request("GET", "/healthz")), 2)
        assert answer.status == 200
    await asyncio.gather(*(wire.close() for wire in wires))


def assert_alive(server: Server) -> None:
    """Assert that the server answers still."""
    assert asyncio.run(ask(server.port, request("GET", "/healthz"))).status == 200
