"""Sends one request and reads of its answer what is judged. The one way out of this room.

Bounded in all that the other end may do: time, bytes, type; no redirect is followed, no cookie kept, no proxy and no
``.netrc`` of the environment used, and the text of an answer goes no further than this file.
"""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx2

from keyturn.attack.budget import Budget
from keyturn.attack.model import Answer
from keyturn.errors import TemporarilyUnavailable

#: Seconds from the look-up of the name to the last byte.
DEADLINE: Final = 10.0

#: Bytes of a body that are read; of a document, such as a key set or a description, the most that it may have.
MAX_BODY: Final = 256 * 1024
MAX_DOCUMENT: Final = 4 * 1024 * 1024

Pairs = tuple[tuple[str, str], ...]


class Probe:
    """A client that keeps nothing from one request to the next, no connection either.

    Servers end one after what made them fail, and the next request on it would seem to have no answer.
    """

    def __init__(self, budget: Budget, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """Send through *transport*, such as one to an app in this process; None for the network."""
        self.budget = budget
        self._client = httpx2.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=DEADLINE,
            limits=httpx2.Limits(max_keepalive_connections=0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"Accept-Encoding": "identity", "User-Agent": "keyturn-attack"},
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ask(self, method: str, url: str, *, headers: Pairs = (), secrets: Iterable[str] = ()) -> Answer | None:
        """Return what is judged of the answer, or None where there was none in time.

        Args:
            method: as it is to be sent.
            url: absolute.
            headers: may name one twice.
            secrets: what the answer must not repeat.

        Raises:
            BudgetSpent: no more may be sent.
            ConfigurationError: the host was not named.

        """
        try:
            response, body = await self._send(method, url, headers=headers, most=MAX_BODY)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError):  # TimeoutError is an OSError
            return None
        return _read(response, body, tuple(secrets))

    async def post_form(self, url: str, data: dict[str, str], *, headers: Pairs = ()) -> "Reply":
        """Return the answer to a form, with its JSON and cookies: for our own issuer's endpoints alone.

        Raises:
            TemporarilyUnavailable: there was no answer.

        """
        content = str(httpx2.QueryParams(data)).encode()
        typed = (("Content-Type", "application/x-www-form-urlencoded"), *headers)
        try:
            response, body = await self._send("POST", url, headers=typed, most=MAX_BODY, content=content)
        except (httpx2.HTTPError, OSError) as error:
            raise TemporarilyUnavailable(type(error).__name__, sentence="The issuer does not answer.") from None
        return Reply(response, body)

    async def document(self, url: str) -> bytes:
        """Return the document at *url*.

        Raises:
            BudgetSpent: no more may be sent.
            ConfigurationError: the host was not named.
            TemporarilyUnavailable: there is no such document, or it is too large.

        """
        try:
            response, body = await self._send("GET", url, most=MAX_DOCUMENT + 1)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise _unavailable(url, type(error).__name__) from None
        if response.status_code != _OK or len(body) > MAX_DOCUMENT:
            raise _unavailable(url, f"status {response.status_code}, {len(body)} bytes")
        return body

    async def _send(
        self, method: str, url: str, *, most: int, headers: Pairs = (), content: bytes | None = None
    ) -> tuple[httpx2.Response, bytes]:
        self.budget.check_host(url)
        self.budget.take()
        await asyncio.sleep(self.budget.wait(time.monotonic))
        request = self._client.build_request(method, url, headers=list(headers), content=content)
        async with asyncio.timeout(DEADLINE):
            response = await self._client.send(request, stream=True)
            try:
                return response, await _bounded(response, most)
            finally:
                await response.aclose()


class Reply:
    """An answer of our own issuer's: status, JSON and cookies. Its ``repr`` shows none of them."""

    def __init__(self, response: httpx2.Response, body: bytes) -> None:
        self.status = response.status_code
        self.json: dict[str, Any] = _json_object(body)
        self.cookies = tuple(value.partition(";")[0] for value in response.headers.get_list("set-cookie"))


def retry_after(text: str) -> float | None:
    """Return the seconds that a ``Retry-After`` of seconds asks for (RFC 9110 §10.2.3)."""
    return float(text) if _SECONDS.fullmatch(text.strip()) else None


async def _bounded(response: httpx2.Response, most: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= most:
            break
    return bytes(body[:most])


def _read(response: httpx2.Response, body: bytes, secrets: tuple[str, ...]) -> Answer:
    head = "\n".join(f"{name}: {value}" for name, value in response.headers.multi_items())
    challenges = " ".join(response.headers.get_list("www-authenticate"))
    return Answer(
        status=response.status_code,
        shape=_shape(response.headers.get("content-type", ""), body),
        kinds=_kinds(body),
        challenge=re.search(r"(?i)\bbearer\b", challenges) is not None,
        leaks=tuple(_leaks(head, body.decode("utf-8", "replace"), secrets)),
        retry_after=retry_after(response.headers.get("retry-after", "")),
    )


def _shape(content_type: str, body: bytes) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    return hashlib.sha256("\0".join([kind, *sorted(_json_object(body))]).encode("utf-8", "replace")).hexdigest()


def _kinds(body: bytes) -> str:
    """Return a hash over the names in a JSON object, each with the kind of its value; yes and no are two kinds."""
    kinds = sorted(f"{name}\0{_kind(value)}" for name, value in _json_object(body).items())
    return hashlib.sha256("\0".join(kinds).encode("utf-8", "replace")).hexdigest()


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return str(value)
    return "number" if isinstance(value, int | float) else type(value).__name__


def _leaks(head: str, body: str, secrets: tuple[str, ...]) -> list[str]:
    pieces = {piece for secret in secrets for piece in (secret, *secret.split(".")[1:]) if len(piece) >= _TELLING}
    found = {
        "the token in a header": any(piece in head for piece in pieces),
        "the token in the body": any(piece in body for piece in pieces),
        "a stack trace": any(trace.search(body) for trace in _TRACES),
    }
    return [name for name, is_there in found.items() if is_there]


def _json_object(body: bytes) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        value = json.loads(body)
        if isinstance(value, dict):
            return value
    return {}


def _unavailable(url: str, reason: str) -> TemporarilyUnavailable:
    return TemporarilyUnavailable(reason, sentence=f"{url.partition('?')[0]} can't be read: {reason}.")


_OK: Final = 200
_TELLING: Final = 16  # characters that no answer holds by chance
_SECONDS: Final = re.compile(r"[0-9]{1,6}")
_TRACES: Final = (
    re.compile(r"Traceback \(most recent call last\)"),
    re.compile(r"goroutine \d+ \[running\]"),
    re.compile(r"\bat [\w$.<>]+\([\w$]+\.java:\d+\)"),
    re.compile(r"\bat .{1,200}\.[cm]?[jt]s:\d+:\d+\)?"),
    re.compile(r"\bin [^\n]{1,200}\.(?:cs|php):(?:line )?\d+"),
)
