"""An app in this process, as a server would run it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from keyturn.attack.in_process import App, started
from keyturn.attack.probe import MAX_DOCUMENT
from keyturn.errors import ConfigurationError


async def get(app: App) -> httpx2.Response:
    """Return the answer of *app* to one request."""
    async with started(app) as transport, httpx2.AsyncClient(transport=transport, base_url="http://app.test") as client:
        return await client.get("/")


async def test_the_lifespan_runs_and_its_state_is_there() -> None:
    """Begun before the first request, ended after the last."""
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, str]]:
        seen.append("start")
        yield {"greeting": "hello"}
        seen.append("end")

    async def hello(request: Request) -> PlainTextResponse:
        seen.append("request")
        return PlainTextResponse(request.state.greeting)

    app = Starlette(routes=[Route("/", hello)], lifespan=lifespan)
    assert (await get(app)).text == "hello"
    assert seen == ["start", "request", "end"]


async def test_a_failure_of_the_app_is_an_answer() -> None:
    """As behind a server: 500."""

    async def fail(_: Request) -> PlainTextResponse:
        raise ZeroDivisionError

    assert (await get(Starlette(routes=[Route("/", fail)]))).status_code == 500


async def test_an_app_without_a_lifespan_is_served_too() -> None:
    """Many raise at what they do not know."""

    async def app(scope: Any, _: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    assert (await get(app)).status_code == 204


async def test_an_answer_that_never_ends_is_ended() -> None:
    """As behind a server whose client has read what it reads: the app is told that nobody is there."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield bytes(65_536)

    app = Starlette(routes=[Route("/", lambda _: StreamingResponse(endless()))])
    answer = await asyncio.wait_for(get(app), 20)
    assert MAX_DOCUMENT < len(answer.content) <= MAX_DOCUMENT + 65_536
    assert sent == len(answer.content) // 65_536 + 1


async def test_an_app_that_does_not_start_is_said_so() -> None:
    """Before anything is sent."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        raise RuntimeError("no database")
        yield

    with pytest.raises(ConfigurationError):
        await get(Starlette(lifespan=lifespan))
