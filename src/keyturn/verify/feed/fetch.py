"""Questions to a revocation feed over one connection. What the other end may do is bounded as in :mod:`.fetch`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from keyturn.tokens.revocation_feed import MAX_PAGE_BYTES
from keyturn.verify.fetch import ClientFactory, FetchFailed, client_for, read_body

if TYPE_CHECKING:
    import httpx2

#: Returns the page behind a ``seq`` (None for a snapshot); the feed may hold the question for so many seconds.
Ask = Callable[[int | None, int], Awaitable[str]]


@asynccontextmanager
async def connection(url: str, *, new_client: ClientFactory | None, grace: float) -> AsyncIterator[Ask]:
    """Return what asks the feed at *url*, and keeps its connection between two questions.

    What it returns raises :class:`FetchFailed`; then the connection is of no more use.

    Args:
        url: from configuration.
        new_client: makes the client; None for httpx2's defaults.
        grace: seconds for a whole answer, beyond the wait.

    """
    import asyncio  # noqa: PLC0415 - only the thread that follows waits for these

    import httpx2  # noqa: PLC0415

    async with client_for(url, new_client) as client:

        async def ask(after: int | None, wait: int) -> str:
            deadline = wait + grace
            try:
                async with asyncio.timeout(deadline):
                    return await _ask(client, _question(url, after, wait), deadline)
            except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:  # TimeoutError is an OSError
                raise FetchFailed(type(error).__name__) from None

        yield ask


async def _ask(client: "httpx2.AsyncClient", url: str, deadline: float) -> str:
    request = client.stream("GET", url, headers=_HEADERS, follow_redirects=False, timeout=deadline)
    async with request as response:
        body = await read_body(response, media_types=_MEDIA_TYPES, max_bytes=MAX_PAGE_BYTES)
    try:
        return body.decode("ascii")
    except UnicodeDecodeError:
        raise FetchFailed("not a JWT") from None


def _question(url: str, after: int | None, wait: int) -> str:
    if after is None:
        return url
    return f"{url}{'&' if '?' in url else '?'}after={after}&wait={wait}"


_MEDIA_TYPES: Final = frozenset({"application/revocations+jwt"})
_HEADERS: Final = {"Accept": "application/revocations+jwt", "Accept-Encoding": "identity"}
