"""A way to a server on loopback that can be made slow, or stand still, while connections stay open."""

import asyncio
import random
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self

DELAY_SECONDS = (0.025, 0.15)
"""What a slow link adds each way, and twice that for the way there and back."""

PIECE = 65536


class SlowLink:
    """Passes bytes on from a port of its own. It lives in a thread; its methods are free for any thread."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._delay = (0.0, 0.0)
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._ways: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slow link", daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def slow(self) -> None:
        """Add 50 to 300 ms to each question and its answer."""
        self._delay = DELAY_SECONDS

    def stall(self) -> None:
        """Pass nothing on; new connections are taken and hear nothing."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def flow(self) -> None:
        """Pass on what has gathered, and everything from now on, at once."""
        self._delay = (0.0, 0.0)
        self._loop.call_soon_threadsafe(self._flows.set)

    def close(self) -> None:
        """Cut every connection and take none any more."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side hangs up."""
        task = asyncio.current_task()
        assert task
        self._ways.add(task)
        with suppress(OSError, asyncio.CancelledError):
            await self._join(reader, writer)
        self._ways.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        ways = [asyncio.create_task(self._pass_on(*way)) for way in ((reader, back), (there, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, back):
                end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE):
            await asyncio.sleep(random.uniform(*self._delay))
            await self._flows.wait()
            writer.write(piece)
            await writer.drain()

    async def _close(self) -> None:
        self._server.close()
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)
