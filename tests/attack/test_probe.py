"""One request and its answer, on the wire: everything that the other end may do is bounded."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from keyturn.attack import probe as probing
from keyturn.attack.budget import Budget, BudgetSpent
from keyturn.attack.probe import MAX_BODY, Probe, retry_after
from keyturn.errors import ConfigurationError, TemporarilyUnavailable

TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEgbG92ZWxhY2UifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@asynccontextmanager
async def server(answer: bytes, *, then: Callable[[asyncio.StreamWriter], None] | None = None) -> AsyncIterator[str]:
    """Answer every request with *answer* on a port of this machine and yield its URL."""
    open_: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if then is not None:
            then(writer)
            open_.append(writer)
        else:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        for writer in open_:
            writer.close()


def http(status: str, *headers: str, body: str = "{}") -> bytes:
    """Return an answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", body]
    return "\r\n".join(lines).encode()


@pytest.fixture
async def probe() -> AsyncIterator[Probe]:
    """Return a probe that may ask this machine."""
    made = Probe(Budget(["127.0.0.1"], max_requests=10))
    yield made
    await made.close()


async def test_what_is_judged_is_read(probe: Probe) -> None:
    """Status, challenge and the wait that is asked for."""
    async with server(
        http("401 No", 'WWW-Authenticate: Basic realm="x"', "WWW-Authenticate: bearer", "Retry-After: 3")
    ) as url:
        answer = await probe.ask("GET", url)
    assert answer is not None
    assert (answer.status, answer.challenge, answer.retry_after, answer.leaks) == (401, True, 3.0, ())


async def test_answers_of_one_shape_are_told_apart_by_the_kinds_of_their_values(probe: Probe) -> None:
    """Yes is not no, and nothing is no object; another number, or another name's order, is no difference."""
    bodies = ('{"ok":true,"n":1}', '{"n":2.5,"ok":true}', '{"ok":false,"n":1}', '{"ok":true,"n":null}', '{"ok":true}')
    found = []
    for body in bodies:
        async with server(http("200 OK", body=body)) as url:
            found.append(await probe.ask("GET", url))
    shapes, kinds = ([getattr(answer, name) for answer in found] for name in ("shape", "kinds"))
    assert [shapes.index(shape) for shape in shapes] == [0, 0, 0, 0, 4]
    assert [kinds.index(kind) for kind in kinds] == [0, 0, 2, 3, 4]


async def test_each_request_has_a_connection_of_its_own(probe: Probe) -> None:
    """On one that is kept, a server's close after a failure would look like no answer to the next request."""
    connections = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        assert [await probe.ask("GET", url) is not None for _ in range(3)] == [True] * 3
    assert len(connections) == 3


async def test_a_redirect_is_an_answer_and_goes_nowhere(probe: Probe) -> None:
    """The next place was named by the target and by nobody else."""
    async with server(http("302 Found", "Location: http://127.0.0.1:9/")) as url:
        answer = await probe.ask("GET", url)
    assert (answer is not None and answer.status, probe.budget.sent) == (302, 1)


async def test_a_host_that_was_not_named_is_not_asked(probe: Probe) -> None:
    """Not even looked up; nothing is counted."""
    with pytest.raises(ConfigurationError):
        await probe.ask("GET", "http://localhost:9/")
    with pytest.raises(ConfigurationError):
        await probe.document("https://elsewhere.invalid/jwks.json")
    assert probe.budget.sent == 0


async def test_documents_count_as_requests(probe: Probe) -> None:
    """A key set is a request like any other."""
    async with server(http("200 OK")) as url:
        assert [await probe.document(url) for _ in range(10)] == [b"{}"] * 10
        with pytest.raises(BudgetSpent):
            await probe.document(url)
        with pytest.raises(BudgetSpent):
            await probe.ask("GET", url)


async def test_a_document_that_is_not_there_is_an_error_without_its_text(probe: Probe) -> None:
    """Its query, where a secret may stand, is not repeated either."""
    async with server(http("404 Not Found", body="secret text")) as url:
        with pytest.raises(TemporarilyUnavailable) as refusal:
            await probe.document(f"{url}/x?token=hidden")
    assert "404" in str(refusal.value)
    assert "secret" not in str(refusal.value) + refusal.value.reason
    assert "hidden" not in str(refusal.value)


async def test_a_body_without_end_is_cut(probe: Probe) -> None:
    """The answer counts, and the connection is closed."""

    def forever(writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * (MAX_BODY + 100))

    async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", then=forever) as url:
        answer = await probe.ask("GET", url)
    assert answer is not None
    assert answer.status == 200


async def test_whoever_never_ends_is_no_answer(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    """One deadline for all of it."""
    monkeypatch.setattr(probing, "DEADLINE", 0.2)
    async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", then=lambda _: None) as url:
        assert await probe.ask("GET", url) is None


@pytest.mark.parametrize("garbage", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 999999 x\r\n\r\n", b"\x16\x03\x01"])
async def test_what_is_no_http_is_no_answer(probe: Probe, garbage: bytes) -> None:
    """And no exception."""
    async with server(garbage) as url:
        assert await probe.ask("GET", url) is None


@pytest.mark.parametrize(
    ("answer", "leaks"),
    [
        (http("401 No", body=f'{{"error": "{TOKEN}"}}'), ("the token in the body",)),
        (http("401 No", body=f"bad signature {TOKEN.rpartition('.')[2]}"), ("the token in the body",)),
        (http("302 Found", f"Location: /login?next={TOKEN}"), ("the token in a header",)),
        (http("500 Oops", body="Traceback (most recent call last):"), ("a stack trace",)),
        (http("500 Oops", body="at com.acme.Jwt(Jwt.java:12)"), ("a stack trace",)),
        (http("500 Oops", body="    at verify (/app/node_modules/jsonwebtoken/verify.js:1:2)"), ("a stack trace",)),
        (http("401 No", body=TOKEN.partition(".")[0]), ()),
        (http("401 No", body="we look at 10:30 at a.example.js"), ()),
    ],
)
async def test_what_an_answer_repeats_is_seen(probe: Probe, answer: bytes, leaks: tuple[str, ...]) -> None:
    """The token or one of its telling parts, wherever; the header of a JWT tells nothing."""
    async with server(answer) as url:
        found = await probe.ask("GET", url, secrets=[TOKEN])
    assert found is not None
    assert found.leaks == leaks
    assert TOKEN not in repr(found)


async def test_nothing_of_the_environment_is_used(
    probe: Probe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No proxy, which nobody named; no password of ``.netrc``, which would be a credential of its own."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(http("200 OK"))
        writer.close()

    made = Probe(Budget(["127.0.0.1"]))
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        assert await made.ask("GET", f"http://127.0.0.1:{port}/a%2fb//c") is not None
    await made.close()
    assert heads[0].startswith(b"GET /a%2fb//c HTTP/1.1\r\n")
    assert b"authorization" not in heads[0].lower()


def test_a_retry_after_is_seconds_or_nothing() -> None:
    """A date, or nonsense, is not waited for."""
    assert [retry_after(text) for text in ("3", " 10 ", "", "-1", "1e9", "Wed, 21 Oct")] == [3.0, 10.0, *[None] * 4]
