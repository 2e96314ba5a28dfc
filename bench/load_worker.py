"""The load generator: raw sockets under asyncio, requests made beforehand, and no more read of an answer than needed.

Standard input: a plan (see ``load.py``) on the first line, then on each line the seconds to send for. Standard
output: one line for each of those, with what came of it.
"""

import asyncio
import itertools
import json
import re
import sys
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Any, Protocol

import uvloop

#: Seconds that the last answers may come late.
PATIENCE = 30

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class Source(Protocol):
    """Where one connection's requests come from."""

    def request(self) -> bytes:
        """Return the next request."""
        ...

    def answered(self, body: bytes) -> None:
        """Take in the answer to the last request, which was good."""
        ...


class InTurn:
    """Whole requests, over and over."""

    def __init__(self, requests: list[bytes], first: int) -> None:
        self._requests = itertools.cycle(requests[first % len(requests) :] + requests[: first % len(requests)])

    def request(self) -> bytes:
        """Return the next one."""
        return next(self._requests)

    def answered(self, body: bytes) -> None:
        """Look at nothing."""


class Rotating:
    """Refreshes: the token that an answer brings is sent once all others of this connection have been."""

    def __init__(self, plan: dict[str, Any], tokens: list[str]) -> None:
        self._head = plan["head"].encode()
        self._before, self._after = plan["before"].encode(), plan["after"].encode()
        self._marker = plan["marker"].encode()
        self._tokens = deque(token.encode() for token in tokens)

    def request(self) -> bytes:
        """Return a refresh with the token that has waited longest."""
        body = self._before + self._tokens[0] + self._after
        return b"%sContent-Length: %d\r\n\r\n%s" % (self._head, len(body), body)

    def answered(self, body: bytes) -> None:
        """Put the new token in the place of the old one, behind all others."""
        start = body.index(self._marker) + len(self._marker)
        self._tokens.popleft()
        self._tokens.append(body[start : body.index(b'"', start)])


class Tally:
    """What one run of the load comes to."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.start = perf_counter()
        self.deadline = self.start + seconds
        self.times: list[float] = []
        self.good = self.in_time = self.bad = 0
        self.example = ""

    def outcome(self) -> dict[str, object]:
        """Return the figures."""
        times = sorted(self.times) or [0.0]
        return {
            "rate": self.in_time / self.seconds,
            "p50": times[len(times) // 2],
            "p99": times[len(times) * 99 // 100],
            "good": self.good,
            "bad": self.bad,
            "example": self.example,
        }


class Sender(asyncio.Protocol):
    """One connection after another to one port, with one request under way."""

    def __init__(self, port: int, source: Source, pause: float, tally: Tally, done: Callable[[], None]) -> None:
        self._port, self._source, self._pause, self._tally, self._done = port, source, pause, tally, done
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._sent_at = 0.0
        self._finished = False

    async def connect(self) -> None:
        """Connect, and send the first request."""
        await self._loop.create_connection(lambda: self, "127.0.0.1", self._port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send."""
        self._transport: Any = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Wait for the whole answer."""
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._buffer[:head_end]
        length = _LENGTH.search(head)
        end = head_end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) >= end:
            body, self._buffer = self._buffer[head_end + 4 : end], b""
            self._answered(head, body)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Connect anew: a server may close a connection between two requests, or after each."""
        if not self._finished:
            self._buffer = b""
            self._connecting = self._loop.create_task(self._connect_again())

    async def _connect_again(self) -> None:
        try:
            await self.connect()
        except OSError as error:
            self._bad(f"the server is gone: {error}")

    def _send(self) -> None:
        self._sent_at = perf_counter()
        if self._sent_at >= self._tally.deadline:
            self._finish()
        else:
            self._transport.write(self._source.request())

    def _answered(self, head: bytes, body: bytes) -> None:
        now, tally = perf_counter(), self._tally
        if head[9:10] != b"2":
            self._bad((head.partition(b"\r\n")[0] + b" " + body[:200]).decode(errors="replace"))
            return
        self._source.answered(body)
        tally.times.append(now - self._sent_at)
        tally.good += 1
        tally.in_time += now <= tally.deadline
        if _CLOSES.search(head):
            self._transport.close()  # connection_lost goes on
        elif self._pause:
            self._loop.call_later(self._pause, self._send)
        else:
            self._send()

    def _bad(self, example: str) -> None:
        self._tally.bad += 1
        self._tally.example = self._tally.example or example
        self._finish()

    def _finish(self) -> None:
        self._finished = True
        self._transport.close()
        self._done()


async def send(plan: dict[str, Any], sources: list[Source], seconds: float) -> dict[str, object]:
    """Send for *seconds* and return what came of it."""
    tally = Tally(seconds)
    left = asyncio.Semaphore(0)
    senders = [Sender(plan["port"], source, plan["pause"], tally, left.release) for source in sources]
    await asyncio.gather(*(sender.connect() for sender in senders))
    async with asyncio.timeout(seconds + PATIENCE):
        for _ in senders:
            await left.acquire()
    return tally.outcome()


def sources_of(plan: dict[str, Any]) -> list[Source]:
    """Return one source for each connection."""
    connections, rotation = plan["connections"], plan["rotation"]
    if rotation is None:
        requests = [request.encode() for request in plan["requests"]]
        return [InTurn(requests, number) for number in range(connections)]
    return [Rotating(rotation, rotation["tokens"][number::connections]) for number in range(connections)]


def main() -> None:
    plan = json.loads(sys.stdin.readline())
    sources = sources_of(plan)
    for line in sys.stdin:
        print(json.dumps(uvloop.run(send(plan, sources, json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
