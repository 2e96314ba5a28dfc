"""``GET /revocations``: the revocation feed, by poll and by long poll (contract of the feed: ``core/feed.py``).

It is public: an entry is a digest, and tells nobody who logged out.
"""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from keyturn.core.feed import BEFORE_ALL, MAX_WAIT
from keyturn.errors import NotFound
from keyturn.server.exchange import state_of
from keyturn.server.reading.parameters import read_number
from keyturn.tokens.algorithms import SYMMETRIC

MAX_SEQ: Final = 2**53 - 1
"""What every JSON parser reads exactly."""


async def get(request: Request) -> Response:
    """Answer with the page that follows ``after``; wait up to ``wait`` seconds for there to be something on it."""
    after = read_number(request, "after", least=0, most=MAX_SEQ, default=BEFORE_ALL)
    seconds = read_number(request, "wait", least=0, most=MAX_WAIT, default=0)
    state = state_of(request)
    if state.services.policy.keys.algorithm in SYMMETRIC:
        raise NotFound("symmetric", sentence="Tokens signed with a shared secret have no revocation feed.")
    if seconds:
        await _wait(request, after, seconds)
    page = await state.feed.page(after, now_ms=state.clock.now_ms())
    headers = {"Cache-Control": _NOT_KEPT if seconds else _KEPT_FOR_A_SECOND}
    return Response(page, media_type="application/revocations+jwt", headers=headers)


async def _wait(request: Request, after: int, seconds: int) -> None:
    """Return when there is news, at the latest after *seconds*.

    Raises:
        ClientDisconnect: the peer went away meanwhile.
        TemporarilyUnavailable: the store does not answer.

    """
    state = state_of(request)
    news = asyncio.ensure_future(state.feed.wait(after, seconds, now_ms=state.clock.now_ms()))
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((news, gone), return_when=asyncio.FIRST_COMPLETED)
        if not news.done():
            raise ClientDisconnect
        news.result()
    finally:
        for each in (news, gone):
            each.cancel()
        await asyncio.gather(news, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    """Return when the peer is gone. What it sends beyond its request is not kept."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


_KEPT_FOR_A_SECOND: Final = "public, max-age=1"

#: Else the next wait would be answered from a cache that has kept the last one's "nothing new".
_NOT_KEPT: Final = "no-store"
