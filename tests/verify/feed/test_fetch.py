"""Questions to a revocation feed: what is asked, and which error whatever goes wrong becomes."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from keyturn.verify.feed.fetch import connection
from keyturn.verify.fetch import FetchFailed

PAGE = "application/revocations+jwt"


async def ask(url: str, after: int | None = None, wait: int = 0) -> str:
    """Ask the feed at *url* once."""
    async with connection(url, new_client=None, grace=5) as question:
        return await question(after, wait)


@pytest.mark.parametrize(
    ("query", "question", "asked"),
    [
        ("", (None, 9), "/feed"),
        ("", (7, 0), "/feed?after=7&wait=0"),
        ("?tenant=a", (7, 5), "/feed?tenant=a&after=7&wait=5"),
    ],
)
async def test_the_first_question_is_for_a_snapshot_and_the_next_for_what_follows(
    query: str, question: tuple[int | None, int], asked: str, web: Any, answering: Callable[..., Any]
) -> None:
    """Contract §5: ``after`` and ``wait``, beside what the URL has of its own."""
    web.behave = answering(b"a.b.c", content_type=PAGE)
    assert await ask(f"{web.url}/feed{query}", *question) == "a.b.c"
    assert web.requests == [asked]


async def test_a_feed_that_is_not_there_is_a_failed_fetch() -> None:
    """The error has the name of what happened and nothing of what was said."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FetchFailed, match=r"^ConnectError$") as failed:
        await ask(f"http://127.0.0.1:{port}/feed")
    assert failed.value.__cause__ is None


async def test_a_page_beyond_ascii_is_a_failed_fetch(web: Any, answering: Callable[..., Any]) -> None:
    """No JWT holds such bytes, and the error holds none of them."""
    web.behave = answering("å.b.c".encode(), content_type=PAGE)
    with pytest.raises(FetchFailed, match=r"^not a JWT$") as failed:
        await ask(f"{web.url}/feed")
    assert failed.value.__cause__ is None
