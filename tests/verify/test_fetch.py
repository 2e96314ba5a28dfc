"""A32: whatever the other end does, a fetch ends in time with a trustworthy answer or none."""

import gzip
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx2
import pytest

from keyturn.verify.fetch import MAX_BYTES, FetchFailed, client_for, fetch, fresh_for

GOOD = b'{"keys":[]}'


async def test_a_good_answer_is_its_json(web: Any, answering: Any) -> None:
    """The media type may be that of a JWK Set, or of any JSON; parameters do not matter."""
    for media_type in ("application/jwk-set+json", "Application/JSON; charset=utf-8"):
        web.behave = answering(GOOD, content_type=media_type, cache_control="public, max-age=120")
        fetched = await fetch(web.url)
        assert (fetched.document, fetched.fresh_for) == ({"keys": []}, 120)


async def test_nothing_is_asked_to_be_encoded(web: Any, answering: Any) -> None:
    """KEY-06: what is counted is what was sent."""
    asked: dict[str, str] = {}

    def behave(handler: BaseHTTPRequestHandler) -> None:
        asked.update(handler.headers.items())
        answering(GOOD)(handler)

    web.behave = behave
    await fetch(web.url)
    lowered = {name.lower(): value for name, value in asked.items()}
    assert lowered["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("body", "how"),
    [
        (GOOD, {"status": 500}),
        (GOOD, {"status": 404}),
        (GOOD, {"status": 201}),
        (b"<html></html>", {"content_type": "text/html"}),
        (GOOD, {"content_type": "text/plain"}),
        (GOOD, {"content_type": ""}),
        (b"{", {}),
        (b"[]", {}),
        (b'{"keys":[],"keys":[]}', {}),
        (b"\xef\xbb\xbf" + GOOD, {}),
        (GOOD.decode().encode("utf-16"), {}),
        (b'{"keys":[]' + b" " * MAX_BYTES + b"}", {}),
        (gzip.compress(b'{"keys":[]' + b" " * 50_000_000 + b"}", mtime=0), {"content_encoding": "gzip"}),
        (GOOD, {"content_encoding": "br"}),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_an_untrustworthy_answer_is_none(web: Any, answering: Any, body: bytes, how: dict[str, Any]) -> None:
    """KEY-06, A32: errors, pages, broken JSON, two meanings, too much, bombs."""
    web.behave = answering(body, **how)
    with pytest.raises(FetchFailed):
        await fetch(web.url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(web: Any, answering: Any, status: int) -> None:
    """KEY-08, A32: not even when the given client would."""
    web.behave = answering(b"", status=status, location=f"{web.url}/elsewhere")
    with pytest.raises(FetchFailed):
        await fetch(web.url, new_client=lambda: httpx2.AsyncClient(follow_redirects=True))
    assert web.requests == ["/"]


def say_nothing(handler: BaseHTTPRequestHandler) -> None:
    """Take the request and leave it at that."""
    handler.server_over.wait()  # type: ignore[attr-defined]


def drip(start: bytes, drop: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return a behaviour that sends *start*, and then *drop* every now and then."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(start)
        while not handler.server_over.wait(0.05):  # type: ignore[attr-defined]
            handler.wfile.write(drop)

    return behave


@pytest.mark.parametrize(
    "behave",
    [
        say_nothing,
        drip(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        drip(b"H", b"T"),
        drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{", b" "),
        drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["silence", "slow headers", "slow status", "slow body", "slow chunks"],
)
async def test_the_deadline_is_over_the_whole_answer(web: Any, behave: Callable[..., None]) -> None:
    """KEY-06, A32: a byte now and then buys no time."""

    def with_end(handler: Any) -> None:
        handler.server_over = web.over
        behave(handler)

    web.behave = with_end
    started = time.monotonic()
    with pytest.raises(FetchFailed):
        await fetch(web.url, deadline=0.4)
    assert time.monotonic() - started < 1.5


async def test_an_endless_body_is_cut_off(web: Any) -> None:
    """A32: a gigabyte is not read to its end."""
    sent = 0

    def pour(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
        while sent < 1_000_000_000 and not web.over.is_set():
            handler.wfile.write(b" " * 65536)
            sent += 65536

    web.behave = pour
    with pytest.raises(FetchFailed, match="too large"):
        await fetch(web.url)
    assert sent < 100_000_000


async def test_a_proxy_is_for_other_machines_alone(web: Any, answering: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """KEY-06: what a proxy of the environment answers for this machine's own issuer would be another machine's keys."""
    for variable in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("http_proxy", web.url)
    web.behave = answering(GOOD)

    for here in ("http://localhost:9/", "http://127.0.0.1:9/", "http://[::1]:9/"):
        with pytest.raises(FetchFailed, match="ConnectError"):
            await fetch(here)
    assert web.requests == []

    await fetch("http://auth.internal/")
    assert web.requests == ["http://auth.internal/"]


async def test_nobody_there_is_a_failed_fetch() -> None:
    """A refused connection says its type and nothing else."""
    with pytest.raises(FetchFailed, match="ConnectError"):
        await fetch("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("cache_control", "age", "seconds"),
    [
        ("", "", 600),
        ("public, max-age=300", "", 300),
        ("max-age=300", "100", 200),
        ("max-age=300", "9999", 60),
        ("MAX-AGE=1", "", 60),
        ("max-age=31536000", "", 600),
        ("max-age=300, max-age=100", "", 100),
        ("no-store", "", 60),
        ("max-age=300, no-cache", "", 60),
        ("max-age=-1", "", 600),
        ("max-age=" + "9" * 5000, "", 600),
        ("max-age=300", "-5", 300),
    ],
)
def test_freshness_is_what_the_answer_says_within_bounds(cache_control: str, age: str, seconds: float) -> None:
    """RFC 9111 §4.2.1: from a minute to ten, so that a key that was withdrawn is soon gone (KEY-04)."""
    assert fresh_for(cache_control, age) == seconds


async def test_plain_http_to_this_machine_goes_past_every_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """KEY-08: and so does nothing else: HTTPS to this machine is safe on the way, HTTP to another is refused before."""
    trusted = []
    monkeypatch.setattr(httpx2, "AsyncClient", lambda *, trust_env: trusted.append(trust_env))
    for host in ("http://127.0.0.1:1", "http://localhost:1", "https://127.0.0.1:1", "http://a.test", "https://a.test"):
        client_for(host, None)
    assert trusted == [False, False, True, True, True]


async def test_an_answer_of_just_the_limit_is_taken(web: Any, answering: Callable[..., Any]) -> None:
    """KEY-06: 256 KiB, and not a byte more."""
    web.behave = answering(GOOD.ljust(MAX_BYTES))
    assert (await fetch(web.url)).document == {"keys": []}
    web.behave = answering(GOOD.ljust(MAX_BYTES + 1))
    with pytest.raises(FetchFailed, match="too large"):
        await fetch(web.url)
