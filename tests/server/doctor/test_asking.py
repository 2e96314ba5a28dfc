"""A running issuer, asked as everybody may ask it: ours shows nothing wrong, and each flaw of another one is found."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from certificate import write_pair
from doctor_world import DAY, ISSUER, KEY, NOW, STRICT_COOKIE, metadata, page
from http_world import World
from installation import MASTER_KEY, installed
from server_process import running
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from free_ports import free_port
from keyturn.server.doctor import asking, catalogue
from keyturn.server.doctor.asking import Asking
from keyturn.server.doctor.examination import Observed, examine
from keyturn.server.doctor.published import EVIL_HOST, Probe, Published, Reach

JWKS, FEED, META = "/.well-known/jwks.json", "/revocations", "/.well-known/oauth-authorization-server"
OUR_HEADERS = {"Strict-Transport-Security": "max-age=31536000", "X-Content-Type-Options": "nosniff"}

Answering = Callable[[Request], Response]


def key_set(*entries: Mapping[str, Any], **headers: str) -> Response:
    """Return a key set."""
    named = {"Cache-Control": "max-age=300"} | {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"keys": list(entries) or [KEY.public.to_jwk()]}
    return JSONResponse(body, media_type="application/jwk-set+json", headers=named)


SOUND: dict[str, Answering] = {
    META: lambda _: JSONResponse(metadata(), headers=OUR_HEADERS),
    JWKS: lambda _: key_set(),
    FEED: lambda _: Response(page(), headers={"Cache-Control": "max-age=1"}),
    "/readyz": lambda _: JSONResponse({"status": "ok"}),
    "/metrics": lambda _: PlainTextResponse("", 403),
    "/logout": lambda _: Response(status_code=204, headers={"Set-Cookie": STRICT_COOKIE}),
    "/token": lambda _: JSONResponse({"error": "invalid_grant"}, 400, headers={"Cache-Control": "no-store"}),
    "/docs": lambda _: PlainTextResponse("", 404),
}


def issuer_of(asked: list[str] | None = None, **flaws: Answering) -> Starlette:
    """Return a sound issuer but for *flaws*, by their paths; what it is *asked* is noted."""
    answering = SOUND | flaws

    async def answer(request: Request) -> Response:
        if asked is not None:
            asked.append(str(request.url))
        if request.url.scheme == "http":
            return RedirectResponse("https://auth.example.com/")
        found = answering.get(request.url.path, lambda _: PlainTextResponse("", 404))(request)
        return await found if isinstance(found, Awaitable) else found

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


async def asked_of(app: Any, *, at: str = ISSUER, now_ms: int = NOW * 1000) -> tuple[Reach, Published | None]:
    """Ask an issuer in this process."""

    def new_client() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app, client=("198.51.100.7", 50000)))

    return await asking.ask(Asking(issuer=ISSUER, at=at, new_client=new_client), now_ms=lambda: now_ms)


async def found_in(app: Any, *, now_ms: int = NOW * 1000) -> list[str]:
    """Return the ids of what is wrong with an issuer in this process."""
    reach, published = await asked_of(app, now_ms=now_ms)
    subjects = {Reach: reach} if published is None else {Reach: reach, Published: published}
    findings = examine(catalogue.CHAPTERS, Observed(subjects=subjects, reasons={})).findings
    return sorted(each.check.id for each in findings)


def behind_a_proxy(app: ASGIApp) -> ASGIApp:
    """Return what a proxy makes of *app* that answers plain HTTP with a redirect."""

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        reached = app if scope["scheme"] == "https" else RedirectResponse("https://auth.example.com/")
        await reached(scope, receive, send)

    return proxy


async def test_ours_shows_nothing_wrong(world: World) -> None:
    """A server of ours passes every check that can be made from outside, and remembers nothing of it."""
    reach, published = await asked_of(world.app, now_ms=world.clock.ms)

    assert reach == Reach(asked_at=ISSUER)
    assert published is not None
    assert {probe for probe in Probe if probe not in published.answers} == set()
    assert published.answered(Probe.TOKEN).document() == {}
    assert published.answered(Probe.LOGOUT).header("set-cookie") != ""
    assert await found_in(behind_a_proxy(world.app), now_ms=world.clock.ms) == []


async def test_ours_over_plain_http_too(world: World) -> None:
    """Where the proxy lets both in, that is all there is to say."""
    assert await found_in(world.app, now_ms=world.clock.ms) == ["plain-http-served"]


async def test_a_sound_issuer_of_somebody_else() -> None:
    """The tiny one that the flaws of the next test are put into has none by itself."""
    assert await found_in(issuer_of()) == []


def if_forwarded(request: Request) -> Response:
    """Answer whoever says that they are this machine."""
    return PlainTextResponse("", 200 if request.headers.get("x-forwarded-for") == "127.0.0.1" else 403)


def with_host(request: Request) -> Response:
    """Believe the host that a header names."""
    named = request.headers.get("x-forwarded-host")
    return JSONResponse(metadata(**{"jwks_uri": f"https://{named}{JWKS}"} if named else {}), headers=OUR_HEADERS)


def reflecting(request: Request) -> Response:
    """Let in whatever origin asks."""
    origin = request.headers.get("origin", "")
    return key_set(Access_Control_Allow_Origin=origin, Access_Control_Allow_Credentials="true")


def told(**changes: Any) -> Answering:
    """Return metadata in which *changes* go before."""
    return lambda _: JSONResponse(metadata(**changes), headers=OUR_HEADERS)


PRIVATE = {**KEY.public.to_jwk(), "d": "AAAA"}
SECRET = {"kty": "oct", "kid": "s", "k": "AAAA", "alg": "HS256", "use": "sig"}


@pytest.mark.parametrize(
    ("path", "flaw", "ids"),
    [
        (META, lambda _: PlainTextResponse("", 404), ["hsts-missing", "metadata-missing"]),
        (META, lambda _: JSONResponse(metadata()), ["hsts-missing", "sniffing-allowed"]),
        (META, told(issuer="https://other.example.com"), ["metadata-elsewhere"] * 3 + ["metadata-issuer"]),
        (META, told(issuer="x", jwks_uri="http://[::1"), ["metadata-elsewhere"] * 2 + ["metadata-issuer"]),
        (META, told(grant_types_supported=["password"]), ["password-grant"]),
        (META, told(response_types_supported=["token"]), ["implicit-grant"]),
        (META, with_host, ["host-believed"]),
        (JWKS, lambda _: key_set(PRIVATE), ["feed-untrusted", "jwks-private", "jwks-unusable"]),
        (JWKS, lambda _: key_set(KEY.public.to_jwk(), SECRET), ["feed-untrusted", "jwks-symmetric", "jwks-unusable"]),
        (JWKS, lambda _: key_set(Cache_Control="max-age=86400"), ["jwks-cached-long"]),
        (JWKS, lambda _: key_set(Content_Type="application/json"), ["jwks-media-type"]),
        (JWKS, reflecting, ["cors-null", "cors-reflects"]),
        (JWKS, lambda _: PlainTextResponse("", 500), ["feed-untrusted", "jwks-missing"]),
        (FEED, lambda _: PlainTextResponse("", 404), ["feed-missing"]),
        (FEED, lambda _: Response(page(issued_at=NOW - 60)), ["feed-stale"]),
        (FEED, lambda _: Response(page(), headers={"Cache-Control": "max-age=60"}), ["feed-cached"]),
        ("/metrics", lambda _: PlainTextResponse("# HELP"), ["metrics-open"]),
        ("/metrics", if_forwarded, ["forwarded-believed"]),
        ("/readyz", lambda _: JSONResponse({}, 503), ["not-ready"]),
        ("/readyz", lambda _: JSONResponse({}, headers={"Date": "Fri, 15 Jan 2027 07:59:00 GMT"}), ["clock-issuer"]),
        ("/logout", lambda _: Response(headers={"Set-Cookie": "keyturn_refresh=; Path=/"}), ["cookie-weak"]),
        ("/token", lambda _: JSONResponse({}, 400), ["tokens-cacheable"]),
        ("/docs", lambda _: Response("<html>", media_type="text/html"), ["docs-frameable"]),
    ],
)
async def test_each_flaw_is_found_and_nothing_else(path: str, flaw: Answering, ids: list[str]) -> None:
    """Through real answers of an issuer that is sound otherwise."""
    assert await found_in(issuer_of(**{path: flaw})) == ids


async def test_what_a_stranger_names_is_not_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """KEY-08: a key set at another host is told of; that host hears nothing, and no redirect is followed."""
    asked: list[str] = []
    elsewhere = told(jwks_uri=f"https://{EVIL_HOST}/jwks")
    away: Answering = lambda _: RedirectResponse(f"https://{EVIL_HOST}/")  # noqa: E731 - a row of a table

    assert "metadata-elsewhere" in await found_in(issuer_of(asked, **{META: elsewhere, FEED: away}))

    assert asked
    assert {httpx2.URL(url).host for url in asked} == {"auth.example.com"}


async def test_an_answer_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes too long is told, what is too large is no answer; the rest is judged all the same."""
    monkeypatch.setattr(asking, "SECONDS", 0.3)

    async def slow(_: Request) -> Response:
        await asyncio.sleep(30)
        return Response()

    began = time.monotonic()
    large: Answering = lambda _: Response(b"x" * 300_000, headers={"Cache-Control": "max-age=1"})  # noqa: E731 - a row of a table
    assert await found_in(issuer_of(**{"/readyz": slow, JWKS: large})) == [
        "answers-missing",
        "feed-untrusted",
        "jwks-missing",
    ]
    assert time.monotonic() - began < 5


async def test_nobody_is_there() -> None:
    """Then that is what there is to say."""
    at = f"http://127.0.0.1:{free_port()}"
    reach, published = await asking.ask(Asking(issuer=at, at=at), now_ms=lambda: 0)
    assert reach == Reach(asked_at=at, silence="ConnectError")
    assert published is None


async def test_an_issuer_with_a_path() -> None:
    """RFC 8414 §3.1: its metadata stand in front of the path, everything else behind it."""
    asked: list[str] = []
    await asked_of(issuer_of(asked), at=f"{ISSUER}/tenant")
    paths = {httpx2.URL(url).path for url in asked}
    assert paths >= {f"{META}/tenant", "/tenant/readyz", "/tenant/.well-known/jwks.json", "/tenant/revocations"}


@pytest.mark.slow
def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    """OPS-06: it is said to be so; of one that is trusted, its end and the version of TLS are seen."""
    installed(tmp_path)
    certificate, key = write_pair(tmp_path, "server")
    environ = {
        "KEYTURN_ISSUER": "https://localhost",
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": "my-api",
        "KEYTURN_KEYS_MASTER_KEY": MASTER_KEY,
        "KEYTURN_DATABASE_URL": f"sqlite:///{tmp_path}/keyturn.db",
        "KEYTURN_SERVER_PORT": str(free_port()),
        "KEYTURN_SERVER_TLS_CERT": certificate,
        "KEYTURN_SERVER_TLS_KEY": key,
    }
    with running(tmp_path, environ) as server:
        at = f"https://localhost:{server.port}"
        reach, published = asyncio.run(asking.ask(Asking(issuer=at, at=at), now_ms=lambda: 0))
        trust = ssl.create_default_context(cafile=certificate)
        shown = asyncio.run(asking._shown("localhost", server.port, trust))

    assert published is None
    assert reach.is_distrusted
    assert "self-signed" in reach.silence or "self signed" in reach.silence
    assert shown is not None
    assert shown.version == "TLSv1.3"
    assert 0 < shown.expires_at - time.time() <= DAY
    assert replace(reach, silence="", is_distrusted=False) == Reach(asked_at=at)
