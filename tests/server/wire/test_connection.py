"""One connection, on a real socket: how much a peer may send, how slow it may be, and what becomes of it then."""

import asyncio
import json
import logging
import resource
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import pytest
import uvicorn

from keyturn.server.observing import logs
from keyturn.server.wire import capacity, connection, http_server
from keyturn.server.wire.connection import (
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    MAX_PIPELINED,
    PATIENCE_SECONDS,
    BoundedConnection,
)

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"%s %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = b"%s /body HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %s\r\n"
LATE = PATIENCE_SECONDS + 1
FLOOD = 64 * 1024 * 1024


@dataclass(kw_only=True)
class Server:
    """A server in a thread, and what its app saw."""

    begun: list[str] = field(default_factory=list)
    headers: list[list[tuple[bytes, bytes]]] = field(default_factory=list)
    may_answer: Event = field(default_factory=Event)
    server: Any = None
    loop: Any = None
    port: int = 0

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer ``/`` at once, ``/body`` after the body, ``/slow`` when it may, and ``/big`` with a lot."""
        self.begun.append(scope["path"])
        await self._before(scope["path"], receive)
        self.headers.append(list(scope["headers"]))
        body = b"a" * (FLOOD if scope["path"] == "/big" else 2)
        fields = [(b"content-length", b"%d" % len(body))]
        with suppress(OSError):
            await send({"type": "http.response.start", "status": 200, "headers": fields})
            await send({"type": "http.response.body", "body": body})

    async def _before(self, path: str, receive: Any) -> None:
        while path == "/body" and (await receive()).get("more_body"):
            pass
        while path == "/slow" and not self.may_answer.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.005)

    def connect(self, request: bytes = b"", *, receive_buffer: int | None = None) -> socket.socket:
        """Connect and send *request*."""
        peer = socket.socket()
        peer.settimeout(5)
        if receive_buffer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        peer.connect(("127.0.0.1", self.port))
        peer.sendall(request)
        return peer

    def finish(self) -> None:
        """Let ``/slow`` answer, and wait until nothing is under way."""
        self.may_answer.set()
        deadline = time.monotonic() + 5
        while self.server.server_state.tasks:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def look_after(self, later: float) -> None:
        """Do what is done every second, as if it were *later*."""

        async def look() -> None:
            for each in list(self._connections):
                each.look_after(self.loop.time() + later)

        asyncio.run_coroutine_threadsafe(look(), self.loop).result(5)

    def wait_for_connections(self, count: int) -> None:
        """Wait until that many are open."""
        deadline = time.monotonic() + 5
        while len(self._connections) != count:
            assert time.monotonic() < deadline, len(self._connections)
            time.sleep(0.005)

    @property
    def _connections(self) -> set[BoundedConnection]:
        connections: set[BoundedConnection] = self.server.server_state.connections
        return connections


@pytest.fixture
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve as ``keyturn serve`` does; a parameter is the limit of connections."""
    made = Server()
    monkeypatch.setattr(http_server, "connection_limit", lambda: getattr(request, "param", 1000))

    def ready() -> None:
        made.loop = asyncio.get_running_loop()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        made.port = listener.getsockname()[1]
        config = uvicorn.Config(
            made.app,
            interface="asgi3",
            http=BoundedConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            timeout_keep_alive=http_server.KEEP_ALIVE_SECONDS,
        )
        made.server = http_server.HttpServer(config, ready)
        thread = Thread(target=made.server.run, kwargs={"sockets": [listener]})
        thread.start()
        while made.loop is None:
            assert thread.is_alive()
            time.sleep(0.005)
        yield made
        made.may_answer.set()
        made.server.should_exit = made.server.force_exit = True
        thread.join()


def read_all(peer: socket.socket) -> bytes:
    """Return what comes until the server hangs up, however it does that."""
    answer = b""
    with suppress(ConnectionError):
        while part := peer.recv(65536):
            answer += part
    return answer


def is_stopped(peer: socket.socket, block: bytes) -> bool:
    """Send *block* over and over; say whether the server puts an end to it."""
    try:
        for _ in range(FLOOD // len(block)):
            peer.sendall(block)
    except ConnectionError:
        return True
    return False


def is_open(peer: socket.socket) -> bool:
    """Say whether the next request is answered."""
    received = b""
    with suppress(ConnectionError):
        peer.sendall(GET)
        while b"HTTP/1.1 200" not in received and (more := peer.recv(65536)):
            received += more  # the rest of an answer before it may come first
    return b"HTTP/1.1 200" in received


def reset(peer: socket.socket) -> None:
    """Go away without a word."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def test_a_field_after_the_body_is_no_header(server: Server) -> None:
    """A56: nobody is let in by an Authorization that no proxy in front has seen."""
    with server.connect(CHUNKED % (b"POST", b"/body") + b"2\r\n{}\r\n") as peer:
        time.sleep(0.05)
        peer.sendall(b"0\r\nAuthorization: Bearer x\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 200")

    assert [name for name, _ in server.headers[0]] == [b"host", b"transfer-encoding"]


@pytest.mark.parametrize("path", [b"/", b"/body"])
@pytest.mark.parametrize(
    ("begin", "block"),
    [
        (b"0\r\n", b"name: value\r\n" * 5000),
        (b"0\r\nname: ", b"a" * 65536),
        (b"0\r\n", b"a" * 65536),
        (b"1;", b"a" * 65536),
    ],
    ids=["fields", "value", "name", "chunk extension"],
)
def test_what_is_around_a_body_has_an_end(server: Server, path: bytes, begin: bytes, block: bytes) -> None:
    """A56: fields after the body, a single endless one, and extensions of a chunk are no way to fill the memory."""
    with server.connect(CHUNKED % (b"GET", path) + begin) as peer:
        assert is_stopped(peer, block)


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"nonsense"])
@pytest.mark.parametrize("length", [b"Content-Length: %d" % len(GET), b"Transfer-Encoding: chunked"])
def test_a_body_behind_an_upgrade_is_no_second_request(server: Server, protocol: bytes, length: bytes) -> None:
    """A56: the parser would not see it as a body, and whoever shares a connection with others could speak for them."""
    with server.connect(UPGRADE % (b"POST", protocol) + length + b"\r\n\r\n") as peer:
        time.sleep(0.05)
        with suppress(ConnectionError):
            peer.sendall(GET)
        answer = read_all(peer)

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert server.begun == []


@pytest.mark.parametrize("length", [b"", b"Content-Length: 0\r\n"])
def test_a_request_that_asks_for_another_protocol_is_answered_in_this_one(server: Server, length: bytes) -> None:
    """RFC 9110 §7.8, A56: as the last of its connection, whatever follows: it may be lost, or read in another way."""
    with server.connect(UPGRADE % (b"GET", b"h2c") + length + b"\r\n" + GET) as peer:
        answer = read_all(peer)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close" in answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert server.begun == ["/body"]


def test_white_space_behind_a_value_is_none_of_it(server: Server) -> None:
    """A56: RFC 9110 §5.5 takes it off, and so do the proxies before us; a value in which it stands keeps it."""
    with server.connect(b"GET / HTTP/1.1\r\nHost: x \t \r\nContent-Length: 0 \r\nX: a \tb\t\r\n\r\n") as peer:
        assert peer.recv(65536).startswith(b"HTTP/1.1 200")

    assert server.headers == [[(b"host", b"x"), (b"content-length", b"0"), (b"x", b"a \tb")]]


def test_empty_lines_between_requests_have_an_end(server: Server) -> None:
    """RFC 9112 §2.2 lets one go by."""
    with server.connect(GET + b"\r\n" + GET) as peer:
        peer.recv(65536)
        assert is_stopped(peer, b"\r\n" * 5000)


def test_a_body_may_be_longer_than_a_head(server: Server) -> None:
    """What bounds a body is whoever reads it; in chunks of one byte, most of it is no body."""
    body = b"1\r\na\r\n" * 3 * MAX_HEAD_BYTES
    with server.connect(CHUNKED % (b"POST", b"/body") + body + b"0\r\nname: value\r\n\r\n") as peer:
        assert peer.recv(65536).startswith(b"HTTP/1.1 200")
        assert is_open(peer)


def test_fields_are_counted_as_they_come(server: Server) -> None:
    """Not when the head is whole: behind another request it need never be."""
    fields = b"a:b\r\n" * (MAX_FIELDS + 2)
    with server.connect(GET) as peer:
        peer.recv(65536)
        peer.sendall(GET + b"GET / HTTP/1.1\r\n" + fields)
        read_all(peer)
    server.wait_for_connections(0)


def test_a_few_requests_may_come_before_the_answers(server: Server) -> None:
    """RFC 9112 §9.3.2: they are answered in order."""
    with server.connect(GET * (MAX_PIPELINED + 1)) as peer:
        answers = b""
        while answers.count(b"HTTP/1.1 200") <= MAX_PIPELINED:
            answers += peer.recv(65536)
        assert is_open(peer)


def test_many_requests_before_the_first_answer_are_not_queued(server: Server) -> None:
    """One read of the socket holds thousands, and each would take a hundred times its size."""
    with server.connect() as peer:
        with suppress(ConnectionError):
            peer.sendall(b"GET /slow HTTP/1.1\r\n\r\n" * 14_000)
        read_all(peer)
    server.may_answer.set()
    server.wait_for_connections(0)

    assert len(server.begun) <= 1


def test_a_malformed_request_is_not_answered_before_the_one_ahead(server: Server) -> None:
    """The peer would take it for the answer to that one."""
    with server.connect(SLOW) as peer:
        time.sleep(0.05)
        peer.sendall(b"nonsense\r\n\r\n")
        assert read_all(peer) == b""


@pytest.mark.parametrize(
    ("before", "malformed"),
    [
        (b"", b"nonsense\r\n\r\n"),
        (GET, b"nonsense\r\n\r\n"),
        (GET, b"GET http:// HTTP/1.1\r\n\r\n"),
        (b"", b"GET /#x HTTP/1.1\r\n\r\n"),
        (b"", CHUNKED % (b"POST", b"/body") + b"nonsense"),
        (GET, CHUNKED % (b"POST", b"/body") + b"nonsense"),
    ],
)
def test_a_malformed_request_is_answered_in_its_turn(server: Server, before: bytes, malformed: bytes) -> None:
    """A56: 400, and the end of the connection."""
    with server.connect(before) as peer:
        if before:
            assert peer.recv(65536).startswith(b"HTTP/1.1 200")
        peer.sendall(malformed)
        assert read_all(peer).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_malformed_body_that_was_answered_already_is_not_answered_again(server: Server) -> None:
    """A proxy would hand the second answer to whoever comes next."""
    with server.connect(CHUNKED % (b"POST", b"/")) as peer:
        assert peer.recv(65536).startswith(b"HTTP/1.1 200")
        peer.sendall(b"nonsense")
        assert read_all(peer) == b""


@pytest.mark.parametrize(
    "begun",
    [b"", b"G", GET[:-2], CHUNKED % (b"POST", b"/body") + b"2\r\n", GET + b"GET", b"\r\n"],
    ids=["nothing", "a byte", "a head", "a body", "a second request", "an empty line"],
)
def test_a_request_that_does_not_come_is_not_waited_for(server: Server, begun: bytes) -> None:
    """A connection is held for a request, not for one that drips in."""
    with server.connect(begun) as peer:
        time.sleep(0.05)
        server.look_after(LATE - 2)
        server.wait_for_connections(1)
        server.look_after(LATE)
        read_all(peer)
    server.wait_for_connections(0)


@pytest.mark.parametrize(
    ("request_", "rest"),
    [(GET, b"\r\n"), (GET, b"G"), (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n", b"{}")],
    ids=["an empty line", "a byte", "a body that nobody waited for"],
)
def test_a_byte_after_an_answer_holds_no_connection(server: Server, request_: bytes, rest: bytes) -> None:
    """It stops the timer of an idle connection, so another one must run from then on."""
    with server.connect(request_) as peer:
        assert peer.recv(65536).startswith(b"HTTP/1.1 200")
        peer.sendall(rest)
        time.sleep(0.05)
        server.look_after(LATE)
        assert read_all(peer) == b""
    server.wait_for_connections(0)


def test_an_idle_connection_is_kept_for_the_next_request(server: Server) -> None:
    """Its own timer ends it."""
    with server.connect(GET) as peer:
        assert peer.recv(65536).startswith(b"HTTP/1.1 200")
        server.look_after(LATE)
        assert is_open(peer)


def test_a_request_that_we_work_on_is_not_hung_up_on(server: Server) -> None:
    """It is our turn."""
    with server.connect(SLOW) as peer:
        time.sleep(0.05)
        server.look_after(LATE)
        server.may_answer.set()
        assert peer.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
def test_an_answer_that_nobody_takes_is_not_kept(server: Server, more: bytes) -> None:
    """Neither while the connection is open, nor when it waits to be closed."""
    with server.connect(b"GET /big HTTP/1.1\r\nHost: x\r\n%s\r\n" % more, receive_buffer=4096):
        time.sleep(0.2)
        server.look_after(0)
        server.look_after(LATE - 2)
        server.wait_for_connections(1)
        server.look_after(LATE)
        server.wait_for_connections(0)


def test_a_connection_that_waits_to_be_closed_is_not_kept(server: Server) -> None:
    """Also where what nobody takes is too little for writing to be paused."""

    async def never_pause() -> None:
        (one,) = server.server.server_state.connections
        one.flow._transport.set_write_buffer_limits(high=2 * FLOOD)

    with server.connect(receive_buffer=4096) as peer:
        server.wait_for_connections(1)
        asyncio.run_coroutine_threadsafe(never_pause(), server.loop).result(5)
        peer.sendall(b"GET /big HTTP/1.1\r\nConnection: close\r\n\r\n")
        time.sleep(0.2)
        server.look_after(0)
        server.look_after(LATE - 2)
        server.wait_for_connections(1)
        server.look_after(LATE)
        server.wait_for_connections(0)


def test_an_answer_that_is_taken_in_time_is_given(server: Server) -> None:
    """The time runs from the last moment when nothing was stuck."""
    with server.connect(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n", receive_buffer=4096) as peer:
        time.sleep(0.2)
        server.look_after(0)
        taken = 0
        while taken < FLOOD:
            taken += len(peer.recv(1 << 20))
        server.look_after(1)
        server.look_after(LATE)
        assert is_open(peer)


@pytest.mark.slow
def test_a_running_server_looks_after_its_connections(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second, by itself."""
    monkeypatch.setattr(connection, "PATIENCE_SECONDS", 0.1)
    with server.connect(b"GET") as peer:
        assert read_all(peer) == b""


@pytest.mark.parametrize("server", [4], indirect=True)
def test_a_crowd_is_turned_away(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is beyond the limit is told when to come again, and whoever came before is served."""
    held = [server.connect() for _ in range(4)]
    server.wait_for_connections(4)

    with server.connect() as peer:
        head, _, body = read_all(peer).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nretry-after: 1" in head
        assert json.loads(body)["error"] == "temporarily_unavailable"
    monkeypatch.setattr(connection, "MAX_TOLD", 0)
    with server.connect() as peer:
        assert read_all(peer) == b""
    assert all(map(is_open, held))
    held.pop().close()
    server.wait_for_connections(3)
    with server.connect() as peer:
        assert is_open(peer)
    for each in held:
        each.close()


def test_a_crowd_is_one_line_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one more when it has been gone and is back."""
    lines: list[dict[str, int]] = []
    log = type("Log", (), {"warning": lambda _, event, **fields: lines.append({event: fields["limit"]})})()
    monkeypatch.setattr(logs, "get_logger", lambda: log)
    crowd = capacity.OpenConnections(limit=4)

    def excess_of(count: int) -> int:
        crowd.connections = set(range(count))  # type: ignore[arg-type] # only their number counts
        return crowd.excess()

    assert [excess_of(count) for count in (4, 5, 6, 3, 5)] == [0, 1, 2, 0, 1]
    assert lines == [{"too many connections": 4}]
    assert [excess_of(count) for count in (2, 5)] == [0, 1]
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("descriptors", "limit"),
    [(1024, 928), (64, 32), (1_000_000, 10_000), (resource.RLIM_INFINITY, 10_000)],
)
def test_the_limit_leaves_descriptors_for_everything_else(
    monkeypatch: pytest.MonkeyPatch, descriptors: int, limit: int
) -> None:
    """The database is opened while the crowd is there."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (descriptors, descriptors))

    assert capacity.connection_limit() == limit


def test_a_peer_that_goes_away_before_its_answer_is_no_error(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """A52: nobody fills the log with errors by hanging up."""
    reset(server.connect(SLOW))
    server.wait_for_connections(0)
    server.finish()

    assert errors(caplog) == []


def test_a_peer_that_goes_away_with_requests_queued_is_no_error(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Uvicorn does not read then, and finds out with the first answer that it can't write."""
    with server.connect(SLOW * 3) as peer:
        time.sleep(0.05)
        reset(peer)
    server.finish()
    server.wait_for_connections(0)

    assert errors(caplog) == []


def test_an_app_that_answers_a_closed_connection_is_told_so(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """An OSError, as the ASGI specification has it, also in the moment before the end of the connection is known."""

    async def close_and_answer() -> None:
        (one,) = server.server.server_state.connections
        one.transport.abort()
        with pytest.raises(ConnectionResetError):
            await one.cycle.send({"type": "http.response.start", "status": 200, "headers": []})
        assert one.cycle.disconnected

    with server.connect(SLOW):
        time.sleep(0.05)
        asyncio.run_coroutine_threadsafe(close_and_answer(), server.loop).result(5)
        server.wait_for_connections(0)
        server.finish()

    assert errors(caplog) == []


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged as an error."""
    return [line.getMessage() for line in caplog.records if line.levelno >= logging.ERROR]
