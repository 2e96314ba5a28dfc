"""HTTP/1.1 by hand, so that a test decides what goes over which connection and when (RFC 9112)."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in lower case; of several with one name all are there."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """Return the first header of this name."""
        return next((value for key, value in self.headers if key == name), None)

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


def request(method: str, path: str, body: bytes = b"", content_type: str | None = None, **headers: str) -> bytes:
    """Return the bytes of a request; ``content_type`` and other headers only where they are given."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if body or method not in {"GET", "HEAD", "OPTIONS"}:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def refresh_request(token: str, **more: str) -> bytes:
    """Return a refresh of a native client."""
    fields = {"grant_type": "refresh_token", "refresh_token": token, **more}
    return request("POST", "/token", urlencode(fields).encode(), FORM)


def logout_request(token: str) -> bytes:
    """Return a logout with a refresh token."""
    return request("POST", "/logout", json.dumps({"refresh_token": token}).encode(), JSON)


def me_request(access_token: str) -> bytes:
    """Return a ``GET /me``."""
    return request("GET", "/me", Authorization=f"Bearer {access_token}")


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Wire":
        """Connect to a server on loopback."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, data: bytes) -> None:
        """Send bytes, whatever they are."""
        self._writer.write(data)

    async def receive(self, *, to_head: bool = False) -> Answer:
        """Read one answer."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head.rstrip("\r\n").split("\r\n")
        headers = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
        status = int(status_line.split(" ")[1])
        found = Answer(status, headers, b"")
        if to_head or status in {204, 304}:
            return found
        if found.header("transfer-encoding") == "chunked":
            return Answer(status, headers, await self._chunks())
        length = found.header("content-length")
        body = await (self._reader.read() if length is None else self._reader.readexactly(int(length)))
        return Answer(status, headers, body)

    async def ask(self, data: bytes) -> Answer:
        """Send a request and read its answer."""
        self.send(data)
        return await self.receive()

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readuntil(b"\r\n")
        return body


async def ask(port: int, data: bytes) -> Answer:
    """Ask over a connection of its own."""
    wire = await Wire.open(port)
    try:
        return await wire.ask(data)
    finally:
        await wire.close()
