"""A kept connection and a clock: what a stranger can measure of an answer.

Blocking and alone, so that between the last byte sent and the first byte received there is nothing but the server.
"""

import socket
from dataclasses import dataclass, field
from time import perf_counter_ns
from types import TracebackType
from typing import Self

PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """An answer, and when it came.

    Attributes:
        first_us: microseconds until its first bytes were there.
        whole_us: microseconds until all of it was.

    """

    head: bytes = field(repr=False)
    body: bytes = field(repr=False)
    first_us: float
    whole_us: float


class Stopwatch:
    """One connection to a server on loopback, one request at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def ask(self, data: bytes) -> Timed:
        """Send a request and time its answer, which has a length."""
        began = perf_counter_ns()
        self._socket.sendall(data)
        read = self._receive()
        first = perf_counter_ns()
        while b"\r\n\r\n" not in read:
            read += self._receive()
        head, _, body = read.partition(b"\r\n\r\n")
        while len(body) < _length(head):
            body += self._receive()
        whole = perf_counter_ns()
        return Timed(head=head, body=body, first_us=(first - began) / 1000, whole_us=(whole - began) / 1000)

    def _receive(self) -> bytes:
        read = self._socket.recv(65_536)
        if not read:
            raise ConnectionError("the server hung up")
        return read


def _length(head: bytes) -> int:
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lengths[0].partition(b":")[2])
