"""A place on this machine at which the target has no business: whoever comes was led there by a token.

It serves a key set with the stranger's key, so that a target which believes it accepts the token too.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from keyturn.tokens.key_set import export_key_set
from keyturn.tokens.keys import SigningKey

#: Where nobody listens: the discard port.
CLOSED: Final = "http://127.0.0.1:9"


class Canary:
    """Counts its visitors, where it is :func:`listening`."""

    def __init__(self) -> None:
        self.url = CLOSED
        self.visits = 0

    @property
    def listens(self) -> bool:
        """Whether a visitor would be noticed."""
        return self.url != CLOSED


@asynccontextmanager
async def listening(stranger: SigningKey) -> AsyncIterator[Canary]:
    """Listen on a free port of this machine as long as the ``with`` runs."""
    canary = Canary()
    body = json.dumps(export_key_set([stranger.public])).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        canary.visits += 1
        try:
            async with asyncio.timeout(_PATIENCE):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(head.encode("ascii") + body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        canary.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield canary


_PATIENCE: Final = 5.0  # seconds
