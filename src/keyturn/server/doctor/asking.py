"""Asking a running issuer what everybody may ask it. What the other end may do is bounded: time, bytes, no redirect.

Nothing that is asked changes anything: a logout of nobody, a refresh with what is no token of theirs.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from keyturn.server.doctor.published import (
    EVIL_HOST,
    EVIL_ORIGIN,
    Answer,
    Certificate,
    Probe,
    Published,
    Reach,
    origin_of,
)
from keyturn.tokens.revocation_feed import MAX_PAGE_BYTES
from keyturn.verify.fetch import ClientFactory, client_for

SECONDS: Final = 10.0
"""How long one answer may take."""

ALL_SECONDS: Final = 30.0
"""How long all of them may take; what has not been asked by then is not asked."""

MAX_BYTES: Final = 256 * 1024
"""What is read of an answer, but for a page of the feed."""

NOT_A_TOKEN: Final = "keyturn-doctor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Whom to ask.

    Attributes:
        issuer: how it is to call itself.
        at: the URL to ask; the same, unless it is behind something.
        kids: the keys that are to be published; None where nobody could look.
        publish_ahead: seconds that a key is published before it signs; 0 where that is not known.
        new_client: makes the client; None for httpx2's defaults.

    """

    issuer: str
    at: str
    kids: frozenset[str] | None = None
    publish_ahead: int = 0
    new_client: ClientFactory | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    method: str
    url: str
    headers: Mapping[str, str]
    data: Mapping[str, str] | None = None
    max_bytes: int = MAX_BYTES


async def ask(asking: Asking, *, now_ms: Callable[[], int]) -> tuple[Reach, Published | None]:
    """Return whether there is an issuer, and what it shows."""
    async with client_for(asking.at, asking.new_client) as client:
        try:
            first = await _answer(client, _Question(method="GET", url=_metadata_url(asking.at), headers={}), now_ms)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:  # TimeoutError is an OSError
            return _silence(asking.at, error), None
        answers = {Probe.METADATA: first}
        with suppress(TimeoutError):
            async with asyncio.timeout(ALL_SECONDS):
                await _ask_the_rest(client, asking.at, answers, now_ms)
    published = Published(
        issuer=asking.issuer,
        asked_at=asking.at,
        answers=answers,
        now=now_ms() // 1000,
        certificate=await _certificate(asking.at) if asking.new_client is None else None,
        kids=asking.kids,
        publish_ahead=asking.publish_ahead,
    )
    return Reach(asked_at=asking.at), published


async def _ask_the_rest(
    client: httpx2.AsyncClient, at: str, answers: dict[Probe, Answer], now_ms: Callable[[], int]
) -> None:
    """Add to *answers* what else comes, one question after another."""
    for probe, question in _questions(at, answers[Probe.METADATA].document()).items():
        with suppress(httpx2.HTTPError, httpx2.InvalidURL, OSError):
            answers[probe] = await _answer(client, question, now_ms)


def _questions(at: str, metadata: Mapping[str, Any]) -> dict[Probe, _Question]:
    keys = _place(at, metadata, "jwks_uri", "/.well-known/jwks.json")
    feed = _place(at, metadata, "keyturn_revocations_endpoint", "/revocations")
    plain = {Probe.PLAIN: _get(f"http://{urlsplit(keys).netloc}{urlsplit(keys).path}")}
    return {
        Probe.KEYS: _get(keys),
        Probe.FEED: replace(_get(feed), max_bytes=MAX_PAGE_BYTES),
        Probe.READY: _get(f"{at}/readyz"),
        Probe.METRICS: _get(f"{at}/metrics"),
        Probe.METRICS_FORWARDED: _get(f"{at}/metrics", {"X-Forwarded-For": "127.0.0.1"}),
        Probe.ORIGIN: _get(keys, {"Origin": EVIL_ORIGIN}),
        Probe.NULL_ORIGIN: _get(keys, {"Origin": "null"}),
        Probe.HOST: _get(_metadata_url(at), {"X-Forwarded-Host": EVIL_HOST, "Forwarded": f"host={EVIL_HOST}"}),
        Probe.LOGOUT: replace(_post(f"{at}/logout", {}), headers={"Sec-Fetch-Site": "same-origin"}),
        Probe.TOKEN: _post(f"{at}/token", {"grant_type": "refresh_token", "refresh_token": NOT_A_TOKEN}),
        Probe.DOCS: _get(f"{at}/docs"),
        **(plain if _has_plain_twin(at) else {}),
    }


def _place(at: str, metadata: Mapping[str, Any], name: str, usual: str) -> str:
    """Return where we ask for what the metadata names; one that they put elsewhere is told of, and not asked for."""
    named = metadata.get(name)
    origin = origin_of(metadata.get("issuer"))
    if not isinstance(named, str) or not origin or origin_of(named) != origin:
        return f"{at}{usual}"
    return f"{origin_of(at)}{urlsplit(named).path}"


def _metadata_url(at: str) -> str:
    """Return where the metadata are: the path of an issuer comes behind the well-known one (RFC 8414 §3)."""
    return f"{origin_of(at)}/.well-known/oauth-authorization-server{urlsplit(at).path}"


def _has_plain_twin(at: str) -> bool:
    parts = urlsplit(at)
    return parts.scheme == "https" and ":" not in parts.netloc.rpartition("]")[2]


def _get(url: str, headers: Mapping[str, str] | None = None) -> _Question:
    return _Question(method="GET", url=url, headers=headers or {})


def _post(url: str, data: Mapping[str, str]) -> _Question:
    return _Question(method="POST", url=url, headers={}, data=data)


async def _answer(client: httpx2.AsyncClient, question: _Question, now_ms: Callable[[], int]) -> Answer:
    began, asked_at = time.monotonic(), now_ms()
    stream = client.stream(
        question.method,
        question.url,
        headers={"Accept-Encoding": "identity", **question.headers},
        data=question.data,
        follow_redirects=False,
        timeout=SECONDS,
    )
    async with asyncio.timeout(SECONDS), stream as response:
        took_ms = round((time.monotonic() - began) * 1000)
        return Answer(
            status=response.status_code,
            headers=tuple((name.lower(), value) for name, value in response.headers.multi_items()),
            body=await _body(response, question.max_bytes),
            at_ms=asked_at + took_ms // 2,
            took_ms=took_ms,
        )


async def _body(response: httpx2.Response, max_bytes: int) -> bytes:
    """Return the body as it was sent; nothing of one that is too large."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > max_bytes:
            return b""
    return bytes(body)


async def _certificate(at: str) -> Certificate | None:
    parts = urlsplit(at)
    if parts.scheme != "https" or not parts.hostname:
        return None
    try:
        async with asyncio.timeout(SECONDS):
            return await _shown(parts.hostname, parts.port or 443, ssl.create_default_context())
    except OSError:  # an ssl.SSLError and a TimeoutError too
        return None


async def _shown(host: str, port: int, context: ssl.SSLContext) -> Certificate | None:
    _, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        found = writer.get_extra_info("ssl_object")
        shown = found.getpeercert()
        return Certificate(expires_at=int(ssl.cert_time_to_seconds(shown["notAfter"])), version=found.version() or "")
    finally:
        writer.transport.abort()


def _silence(at: str, error: BaseException) -> Reach:
    chain = list(_chain(error))
    distrusted = next((each for each in chain if isinstance(each, ssl.SSLCertVerificationError)), None)
    if distrusted is not None:
        return Reach(asked_at=at, silence=distrusted.verify_message, is_distrusted=True)
    return Reach(asked_at=at, silence=type(error).__name__)


def _chain(error: BaseException | None) -> list[BaseException]:
    return [] if error is None else [error, *_chain(error.__cause__ or error.__context__)]
