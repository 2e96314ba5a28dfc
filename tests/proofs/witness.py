"""What a target says of an attack: how many requests came, at what address, and each secret that it saw or gave."""

import re
from collections.abc import Iterator
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Witness:
    """Stands around an app and keeps count.

    Attributes:
        requests: how many there were.
        secrets: each text of the length of a secret that was in a request's credentials or in an answer's.

    """

    def __init__(self) -> None:
        self.requests = 0
        self.secrets: set[str] = set()

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return *app*, watched."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            self.requests += 1
            self._keep(scope["query_string"], *(value for name, value in scope["headers"] if name in _CREDENTIALS))

            async def heard() -> Message:
                message = await receive()
                self._keep(message.get("body", b""))
                return message

            async def said(message: Message) -> None:
                self._keep(*(value for name, value in message.get("headers", []) if name == b"set-cookie"))
                self._keep(*_GIVEN.findall(message.get("body", b"")[:_LONGEST]))
                await send(message)

            await app(scope, heard, said)

        return watched

    def found_in(self, text: str) -> set[str]:
        """Return each secret that *text* repeats, whole or by a part that says as much."""
        return {secret for secret in self.secrets if any(part in text for part in _telling(secret))}

    def _keep(self, *texts: Any) -> None:
        for text in texts:
            self.secrets.update(word.decode("ascii") for word in _SECRET.findall(text))


def _telling(secret: str) -> Iterator[str]:
    """Return *secret* and, of a JWT, what is signed and the signature: the header is no secret."""
    yield secret
    yield from (part for part in secret.split(".")[1:] if len(part) >= _SHORTEST)


_SHORTEST: Final = 20
_LONGEST: Final = 8192
_SECRET: Final = re.compile(rb"[\w.+/~-]{20,}")
_CREDENTIALS: Final = {b"authorization", b"cookie"}
_GIVEN: Final = re.compile(rb'"(?:access_token|refresh_token|device_token)":\s*"([^"]+)"')
