"""The revocation feed: which page whoever asks for what follows a place in the log is given, and how long one may wait.

A page says that nothing else was revoked at its ``iat``. So the log is asked first, and ``iat`` is the time at which
that was begun; a log that can't be asked gives no page. All who ask at the same time share the asking, and all who
are given the same page in the same second share its signature.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from keyturn.core.denylist import Denylist
from keyturn.core.issue import usable_key
from keyturn.core.services import Services
from keyturn.errors import TemporarilyUnavailable
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.revocation_feed import MAX_ENTRIES, Page

BEFORE_ALL: Final = -1
"""The place that everything follows, for those who have seen nothing yet."""

MAX_WAIT: Final = 30
"""Seconds that somebody may wait for news."""

MAX_WAITING: Final = 1_000
"""How many may wait at once; whoever comes beyond that is answered at once."""

MAX_KEPT: Final = 32
"""Signed pages kept for their second. The longest has some 1.2 MB."""

MANY: Final = 500
"""Entries from which on a page is signed away from the event loop, and one after the other."""

MAX_LONG: Final = 16
"""How many pages with more than `MANY` entries may be in the making; beyond that the answer is to come later."""

SignPage = Callable[[Page, SigningKey], Awaitable[bytes]]


def page_behind(denylist: Denylist, after: int, *, issuer: str, issued_at: int) -> Page:
    """Return the page that follows *after*, as far as *denylist* knows the log.

    Beyond the newest place lies nothing that we know of: the store was rolled back, and the page begins anew.
    """
    start = after if after <= denylist.seq else BEFORE_ALL
    found = denylist.behind(start, MAX_ENTRIES + 1)
    more, entries = len(found) > MAX_ENTRIES, tuple(found[:MAX_ENTRIES])
    return Page(
        issuer=issuer,
        issued_at=issued_at,
        seq=entries[-1].seq if more else denylist.seq,
        more=more,
        entries=entries,
        after=denylist.place_up_to(start),
    )


@dataclass(frozen=True, slots=True)
class _Name:
    """What tells two signed pages apart: the log only grows, so what is between two places stays the same."""

    issued_at: int
    after: int | None
    last: int
    kid: str


class Feed:
    """The feed of one process. For one event loop."""

    def __init__(self, services: Services, sign: SignPage) -> None:
        self._services = services
        self._sign = sign
        self._reading: asyncio.Task[int] | None = None
        self._signed: dict[_Name, asyncio.Future[bytes]] = {}
        self._one_long = asyncio.Lock()
        self._long = 0
        self._waiting = 0
        self._stopped = False

    @property
    def waiting(self) -> int:
        """How many wait for news."""
        return self._waiting

    async def page(self, after: int, *, now_ms: int) -> bytes:
        """Return the signed page that follows the place *after*, as things stand at *now_ms* or a moment before.

        Raises:
            TemporarilyUnavailable: the store does not answer, there is no key to sign with, or too many long pages
                are asked for.

        """
        issued_at = await self._catch_up(now_ms)
        issuer = self._services.policy.issuer
        page = page_behind(self._services.denylist, after, issuer=issuer, issued_at=issued_at)
        # The key after the page: its entries are known by now, so a key that one of them revokes is not taken.
        key = await usable_key(self._services, self._services.keyring.signing_key())
        return await self._sign_once(page, key)

    async def wait(self, after: int, seconds: float, *, now_ms: int) -> None:
        """Return when there is something to tell to whoever has seen all up to *after*, at the latest after *seconds*.

        Raises:
            TemporarilyUnavailable: the store does not answer.

        """
        await self._catch_up(now_ms)
        if self._stopped or self._waiting >= MAX_WAITING or after != self._services.denylist.seq:
            return
        self._waiting += 1
        try:
            await self._services.denylist.wait_beyond(after, seconds)
        finally:
            self._waiting -= 1

    def stop(self) -> None:
        """Let everybody go who waits, and nobody wait any more."""
        self._stopped = True
        self._services.denylist.wake()

    async def _catch_up(self, now_ms: int) -> int:
        """Know all that was revoked up to the epoch second that is returned, which is not after that of *now_ms*."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(now_ms))
        return await asyncio.shield(self._reading)

    async def _read(self, now_ms: int) -> int:
        try:
            await self._services.denylist.catch_up_if_behind()
        finally:
            self._reading = None
        return now_ms // 1000

    async def _sign_once(self, page: Page, key: SigningKey) -> bytes:
        name = _Name(page.issued_at, page.after, page.seq, key.kid)
        if name not in self._signed:
            self._make_room(page)
            make = self._make_long if len(page.entries) > MANY else self._sign
            self._signed[name] = asyncio.ensure_future(make(page, key))
        return await asyncio.shield(self._signed[name])

    def _make_room(self, page: Page) -> None:
        if len(page.entries) > MANY:
            if self._long >= MAX_LONG:
                raise TemporarilyUnavailable("too many long pages at once")
            self._long += 1
        for name in [each for each in self._signed if each.issued_at != page.issued_at]:
            del self._signed[name]
        while len(self._signed) >= MAX_KEPT:
            del self._signed[next(iter(self._signed))]

    async def _make_long(self, page: Page, key: SigningKey) -> bytes:
        try:
            async with self._one_long:
                return await self._sign(page, key)
        finally:
            self._long -= 1
