"""One fetch of what an issuer publishes, in which all that the other end may do is bounded: time, bytes, type, place.

The whole of it has one deadline, so that a server which sends a byte now and then gains nothing. The body is read
as sent, never decompressed, so that what is counted is what is kept.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from keyturn.tokens import strict_json
from keyturn.verify.locations import is_loopback

if TYPE_CHECKING:
    import httpx2

#: Seconds from the look-up of the name to the last byte.
DEADLINE: Final = 5.0

MAX_BYTES: Final = 256 * 1024

#: Seconds that a key set counts as fresh: where the answer does not say, and the bounds of what it may say.
DEFAULT_FRESH: Final = 600.0
MIN_FRESH: Final = 60.0
MAX_FRESH: Final = 600.0

#: Makes the client of one fetch: a client belongs to an event loop, and each fetch has its own.
ClientFactory = Callable[[], "httpx2.AsyncClient"]


class FetchFailed(Exception):
    """The answer is not one to trust, or there is none. The text says why and holds nothing that was received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer that is JSON and came from where it was asked for.

    Attributes:
        document: the JSON object.
        fresh_for: seconds that it need not be asked for again, within our bounds.

    """

    document: dict[str, Any]
    fresh_for: float


async def fetch(url: str, *, new_client: ClientFactory | None = None, deadline: float = DEADLINE) -> Fetched:
    """Return what *url* answers.

    Args:
        url: from configuration.
        new_client: makes the client, for proxies or a private certificate authority; None for httpx2's defaults, of
            which the proxies of the environment count for other machines alone.
        deadline: seconds for all of it.

    Raises:
        FetchFailed: there was no answer in time, or one that is redirected, encoded, too large, of another type,
            or not strict JSON.

    """
    import asyncio  # noqa: PLC0415 - a program that verifies with a fixed key set needs neither

    import httpx2  # noqa: PLC0415

    try:
        async with asyncio.timeout(deadline), client_for(url, new_client) as client:
            request = client.stream("GET", url, headers=_HEADERS, follow_redirects=False, timeout=deadline)
            async with request as response:
                return await _read(response)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:  # TimeoutError is an OSError
        raise FetchFailed(type(error).__name__) from None


def client_for(url: str, new_client: ClientFactory | None) -> "httpx2.AsyncClient":
    """Return a client to ask *url* with: *new_client*'s, or one of our own."""
    import httpx2  # noqa: PLC0415 - as in fetch

    if new_client is not None:
        return new_client()
    parts = urlsplit(url)
    # Plain HTTP is good enough for this machine because nobody is on the way; a proxy would be.
    on_this_machine = parts.scheme == "http" and is_loopback(parts.hostname or "")
    return httpx2.AsyncClient(trust_env=not on_this_machine)


async def _read(response: "httpx2.Response") -> Fetched:
    body = await read_body(response, media_types=_MEDIA_TYPES, max_bytes=MAX_BYTES)
    try:
        document = strict_json.parse_object(body)
    except ValueError:
        raise FetchFailed("not strict JSON") from None
    return Fetched(
        document=document,
        fresh_for=fresh_for(response.headers.get("cache-control", ""), response.headers.get("age", "")),
    )


async def read_body(response: "httpx2.Response", *, media_types: frozenset[str], max_bytes: int) -> bytes:
    """Return the body of *response*, whose head has come.

    Raises:
        FetchFailed: the status is not 200, the type is none of *media_types*, it is encoded or longer than *max_bytes*.

    """
    _check_head(response, media_types)
    body = bytearray()
    async for chunk in response.aiter_bytes():  # as sent: _check_head takes no encoded answer
        body += chunk
        if len(body) > max_bytes:
            raise FetchFailed("too large")
    return bytes(body)


def _check_head(response: "httpx2.Response", media_types: frozenset[str]) -> None:
    if response.status_code != _OK:
        raise FetchFailed(f"status {response.status_code}")
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise FetchFailed("encoded although asked not to")
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in media_types:
        raise FetchFailed("of another media type")


def fresh_for(cache_control: str, age: str) -> float:
    """Return how many seconds an answer with these headers stays fresh (RFC 9111 §4.2.1), within our bounds."""
    directives = {part.strip().lower() for part in cache_control.split(",")}
    if directives & {"no-store", "no-cache"}:
        return MIN_FRESH
    stated = [int(found[1]) for part in directives if (found := _MAX_AGE.fullmatch(part))]
    if not stated:
        return DEFAULT_FRESH
    elapsed = int(age) if _SECONDS.fullmatch(age) else 0
    return min(max(float(min(stated) - elapsed), MIN_FRESH), MAX_FRESH)


_OK: Final = 200
_MEDIA_TYPES: Final = frozenset({"application/jwk-set+json", "application/json"})
_HEADERS: Final = {
    "Accept": "application/jwk-set+json, application/json;q=0.9",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",  # a key may have been withdrawn since a cache on the way saw the set
}
_MAX_AGE: Final = re.compile(r'max-age="?([0-9]{1,9})"?')
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
