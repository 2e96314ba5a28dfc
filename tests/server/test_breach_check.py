"""PWD-03: the list of stolen passwords is asked by range, within bounds, and its failure refuses nobody."""

import contextlib
import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

from keyturn.server.breach_check import MAX_BYTES, BreachCheck, BreachResult
from keyturn.server.observing import logs
from keyturn.server.settings import LogFormat, LogLevel

PASSWORD = "correct horse battery"
DIGEST = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()
SUFFIX = DIGEST[5:]
OTHERS = "\r\n".join(f"{number:035X}:{number}" for number in range(1, 800))

Behave = Callable[[BaseHTTPRequestHandler], None]


def answer(body: str, *, status: int = 200, content_type: str = "text/plain", **headers: str) -> Behave:
    """Return a behaviour: one whole answer."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body.encode())

    return behave


@dataclass
class Ranges:
    """A server of ranges on loopback, whose behaviour a test sets."""

    behave: Behave = field(default_factory=lambda: answer(""))
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)
    results: list[BreachResult] = field(default_factory=list)

    async def has(self, password: str = PASSWORD, **options: Any) -> bool:
        """Ask it, for as long as a busy machine may take."""
        options = {"count": self.results.append, "deadline": 10, **options}
        return await BreachCheck(f"{self.url}/range/", **options).has(password)


@pytest.fixture
def ranges() -> Iterator[Ranges]:
    """Return the server."""
    world = Ranges()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            world.paths.append(self.path)
            world.headers.append(dict(self.headers.items()))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client had enough
                world.behave(self)

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    world.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield world
    world.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("suffix", [SUFFIX, SUFFIX.lower()])
async def test_pwd_03_a_stolen_password_is_found(ranges: Ranges, suffix: str) -> None:
    """PWD-03: a count of one is enough."""
    ranges.behave = answer(f"{OTHERS}\r\n{suffix}:1")
    assert await ranges.has()
    assert ranges.results == [BreachResult.FOUND]


async def test_pwd_03_another_password_is_not(ranges: Ranges) -> None:
    """PWD-03: neither where the range has others alone, nor where it is empty."""
    for body in (OTHERS, OTHERS + "\r\n", ""):
        ranges.behave = answer(body)
        assert not await ranges.has()
    assert ranges.results == [BreachResult.NOT_FOUND] * 3


async def test_pwd_03_noise_is_no_find(ranges: Ranges) -> None:
    """PWD-03: a line with the count 0 is padding, and nobody's password."""
    ranges.behave = answer(f"{OTHERS}\r\n{SUFFIX}:0")
    assert not await ranges.has()
    assert ranges.results == [BreachResult.NOT_FOUND]


async def test_pwd_03_five_digits_leave_this_process(ranges: Ranges) -> None:
    """PWD-03: neither the password nor the rest of its digest is in the request, and padding is asked for."""
    await ranges.has()
    assert ranges.paths == [f"/range/{DIGEST[:5]}"]
    sent = "\n".join(f"{name}: {value}" for name, value in ranges.headers[0].items())
    assert "Add-Padding: true" in sent or "add-padding: true" in sent.lower()
    for secret in (PASSWORD, SUFFIX, SUFFIX[:8]):
        assert secret.lower() not in sent.lower()
    assert not {"authorization", "cookie"} & {name.lower() for name in ranges.headers[0]}


def hang_up(_: BaseHTTPRequestHandler) -> None:
    """Answer nothing."""


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Send a line now and then, for as long as anybody listens."""
    answer("", **{"Content-Length": "100000"})(handler)
    for _ in range(100):
        handler.wfile.write(f"{SUFFIX}:1\r\n".encode())
        handler.wfile.flush()
        time.sleep(0.1)


@pytest.mark.parametrize(
    "behave",
    [
        answer("down", status=500),
        answer("slow down", status=429),
        answer(f"{SUFFIX}:1", status=404),
        answer(f"{SUFFIX}:1", content_type="text/html"),
        answer(f"{SUFFIX}:1", **{"Content-Encoding": "gzip"}),
        answer(f"{SUFFIX}:x"),
        answer(f"{SUFFIX}\r\n"),
        answer(f"<html>{SUFFIX}:1</html>"),
        answer(f"{SUFFIX}:1\r\n" * (MAX_BYTES // 38)),
        answer("", status=302, Location="/elsewhere"),
        drip,
        hang_up,
    ],
    ids=[
        *("500", "429", "404", "a page", "encoded", "no count", "no colon", "markup", "too much", "redirect"),
        *("drip", "hang up"),
    ],
)
async def test_pwd_03_no_good_answer_refuses_nobody_and_is_said(ranges: Ranges, behave: Behave) -> None:
    """PWD-03: it fails open within the deadline, with a line in the log and a count, and follows nobody elsewhere."""
    ranges.behave = behave
    log = io.StringIO()
    started = time.monotonic()
    with logs.writing(log, level=LogLevel.INFO, form=LogFormat.JSON):
        assert not await ranges.has(deadline=1.5)
    assert time.monotonic() - started < 5
    assert ranges.results == [BreachResult.FAILED]
    assert "breach check failed" in log.getvalue()
    for secret in (PASSWORD, DIGEST, SUFFIX):
        assert secret not in log.getvalue()
    assert ranges.paths == [f"/range/{DIGEST[:5]}"]


async def test_pwd_03_a_list_that_is_not_there_refuses_nobody(ranges: Ranges) -> None:
    """PWD-03: nor one without a name, or behind a client that follows redirects."""
    results: list[BreachResult] = []
    for url in ("http://127.0.0.1:1/range/", "https://breaches.invalid/range/"):
        assert not await BreachCheck(url, count=results.append, deadline=5).has(PASSWORD)
    ranges.behave = answer("", status=302, Location="/elsewhere")
    assert not await ranges.has(new_client=lambda: httpx2.AsyncClient(follow_redirects=True))
    assert results == [BreachResult.FAILED] * 2
    assert len(ranges.paths) == 1
