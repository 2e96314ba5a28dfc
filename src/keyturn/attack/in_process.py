"""An ASGI app as a target in this process: its lifespan runs, and its failures are answers (ASGI 3.0)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2

from keyturn.attack.probe import MAX_DOCUMENT
from keyturn.errors import ConfigurationError

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


@asynccontextmanager
async def started(app: App) -> AsyncIterator[httpx2.ASGITransport]:
    """Start *app*, yield the way to it, and shut it down.

    Raises:
        ConfigurationError: it does not start.

    """
    state: dict[str, Any] = {}
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    scope: Message = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
    task = asyncio.ensure_future(app(scope, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    begun = await _said(from_app, task)
    if begun == "lifespan.startup.failed":
        raise ConfigurationError("app: its lifespan failed to start.")

    async def with_state(scope: Message, receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has them
        await app({**scope, "state": dict(state)}, receive, _until_long(send))

    try:
        yield httpx2.ASGITransport(with_state, raise_app_exceptions=False)
    finally:
        if begun is not None:
            await to_app.put({"type": "lifespan.shutdown"})
            await _said(from_app, task)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _until_long(send: Callable[[Message], Awaitable[None]]) -> Callable[[Message], Awaitable[None]]:
    """Return *send* as of a client that goes once it has all that it reads: the transport keeps a body whole."""
    left = MAX_DOCUMENT + 1

    async def sending(message: Message) -> None:
        nonlocal left
        if left <= 0:
            raise OSError("the client is gone")
        left -= len(message.get("body", b""))
        await send(message if left > 0 else {**message, "more_body": False})

    return sending


async def _said(from_app: "asyncio.Queue[Message]", task: "asyncio.Future[None]") -> str | None:
    """Return the type of the app's next message; None from an app that has no lifespan and has given up."""
    getting = asyncio.ensure_future(from_app.get())
    await asyncio.wait([getting, task], timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
    if getting.done():
        return str(getting.result()["type"])
    getting.cancel()
    return None


_PATIENCE: Final = 30.0  # seconds
