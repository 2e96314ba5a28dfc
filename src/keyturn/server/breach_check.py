"""Asks a list of stolen passwords by range: five of forty hexadecimal digits of a SHA-1 leave this process.

The answer holds every digest of that range, and noise, so that neither the list nor whoever listens learns which one
was meant. No answer is no objection: a registration does not depend on somebody else's service. It is said each time.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import httpx2

from keyturn.server.observing import logs
from keyturn.verify.fetch import ClientFactory, FetchFailed, client_for, read_body

DEADLINE: Final = 2.0
"""Seconds from the look-up of the name to the last byte."""

MAX_BYTES: Final = 256 * 1024


class BreachResult(StrEnum):
    """How a check ended."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    FAILED = "failed"


class BreachCheck:
    """The list at *url*, to which the range is appended. *count* is called with how each check ended."""

    def __init__(
        self,
        url: str,
        *,
        count: Callable[[BreachResult], object] = lambda _: None,
        new_client: ClientFactory | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        """Ask there; *new_client* makes the client, None takes one of ours. *deadline* is in seconds."""
        self._url = url
        self._count = count
        self._new_client = new_client
        self._deadline = deadline

    async def has(self, password: str) -> bool:
        """Say whether *password* was stolen somewhere; where nobody answers it was not, and the log says so."""
        digest = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper()
        try:
            listed = _is_listed(await self._ask(digest[:_PREFIX]), digest[_PREFIX:])
        except FetchFailed as failure:
            self._count(BreachResult.FAILED)
            logs.get_logger().warning("breach check failed; the password is taken without it", reason=str(failure))
            return False
        self._count(BreachResult.FOUND if listed else BreachResult.NOT_FOUND)
        return listed

    async def _ask(self, prefix: str) -> bytes:
        url = f"{self._url}{prefix}"
        options: dict[str, Any] = {"headers": _HEADERS, "follow_redirects": False, "timeout": self._deadline}
        try:
            async with asyncio.timeout(self._deadline):
                client = await asyncio.to_thread(client_for, url, self._new_client)  # it reads certificates
                async with client, client.stream("GET", url, **options) as response:
                    return await read_body(response, media_types=_MEDIA_TYPES, max_bytes=MAX_BYTES)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:  # TimeoutError is an OSError
            raise FetchFailed(type(error).__name__) from None


def _is_listed(body: bytes, suffix: str) -> bool:
    """Say whether the answer counts *suffix*; noise has the count 0."""
    if not _ANSWER.fullmatch(body):
        raise FetchFailed("not a list of digests")
    counts = dict(line.upper().split(b":") for line in body.split())
    return int(counts.get(suffix.encode("ascii"), b"0")) > 0


_PREFIX: Final = 5
_ANSWER: Final = re.compile(rb"(?:[0-9A-Fa-f]{35}:[0-9]{1,10}\r?\n)*(?:[0-9A-Fa-f]{35}:[0-9]{1,10})?")
_MEDIA_TYPES: Final = frozenset({"text/plain"})
_HEADERS: Final = {
    "Accept": "text/plain",
    "Accept-Encoding": "identity",
    "Add-Padding": "true",
    "User-Agent": "keyturn",
}
