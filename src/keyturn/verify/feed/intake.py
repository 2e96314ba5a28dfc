"""Pages of the revocation feed in, a view out. A page that is not in order changes nothing at all.

The view only grows: neither a snapshot nor a feed that was rolled back takes an entry out. Whatever the feed says,
the next question is asked from where the last good page ended.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keyturn.errors import InvalidToken, InvalidTokenReason
from keyturn.tokens import revocation_feed
from keyturn.tokens.access_token import Expected
from keyturn.tokens.keys import VerificationKey
from keyturn.tokens.revocation import RevocationView
from keyturn.tokens.revocation_feed import Page
from keyturn.verify.feed.freshness import Freshness
from keyturn.verify.key_source import Keys, KeySource


class PageRefused(Exception):
    """A page is signed as it must be and can't be taken in. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a page brought.

    Attributes:
        more: another page follows at once.
        news: it leads on from the one before. A feed that goes back brings none: two copies of a store may take turns.

    """

    more: bool
    news: bool


class FeedIntake:
    """Takes the pages of one issuer in, in one thread.

    Attributes:
        view: what is revoked.
        freshness: how old that is.
        after: the ``seq`` to ask from; None before the first page.

    """

    def __init__(
        self,
        *,
        keys: KeySource,
        expected: Expected,
        max_age: float,
        max_entries: int,
        clock: Callable[[], float],
    ) -> None:
        """Begin with nothing.

        Args:
            keys: the issuer's.
            expected: the issuer, its algorithms and the leeway.
            max_age: seconds that a view counts.
            max_entries: how many it may hold.
            clock: the time in epoch seconds.

        """
        self.view: Final = RevocationView()
        self.freshness: Final = Freshness(max_age=max_age, leeway=expected.leeway)
        self.after: int | None = None
        self._keys = keys
        self._expected = expected
        self._max_entries = max_entries
        self._clock = clock
        self._within = False  # a run of pages that each said more
        self._told_at = 0  # when the last page was made, be it taken in or not

    @property
    def is_fresh(self) -> bool:
        """Whether the view counts now."""
        return self._clock() < self.freshness.until

    async def take(self, text: str) -> Taken:
        """Take the page *text* in.

        Raises:
            InvalidToken: the issuer has not signed it, or it is no page.
            PageRefused: it leads nowhere, or there is no room for it.
            VerifierUnavailable: there are no keys to verify it with.

        """
        page = await self._verified(text)
        now, self._told_at = self._clock(), page.issued_at
        self._check_progress(page)
        self._make_room(page, now)
        for entry in page.entries:
            self.view.add(entry)
        taken = Taken(more=page.more, news=self.after is not None and page.seq > self.after)
        self.after, self._within = page.seq, page.more
        if not page.more:
            self.freshness.confirm(page.issued_at, now)
        return taken

    def tick(self) -> None:
        """Mind the time: forget what is over, and notice a view that is too old."""
        now = self._clock()
        self._prune(now)
        self.freshness.limit(now)
        if self.freshness.began:
            self.freshness.tell_if_stale(now)

    def tell_if_stale(self) -> None:
        """Log that the view is too old, or that there is none, once."""
        self.freshness.tell_if_stale(self._clock())

    async def _verified(self, text: str) -> Page:
        keys = await self._keys.get_keys_async()
        try:
            return self._read(text, keys)
        except InvalidToken as refusal:
            if refusal.reason is not InvalidTokenReason.UNKNOWN_KEY:
                raise
            newer = await self._keys.get_newest_async(keys)
            if newer is None:
                raise
        return self._read(text, newer)

    def _read(self, text: str, keys: Keys) -> Page:
        def find_key(kid: str) -> VerificationKey | None:
            return None if self.view.revokes_key(kid) else keys.get(kid)  # else its thief could keep us in the dark

        return revocation_feed.verify(
            text, find_key=find_key, algorithms=self._expected.algorithms, issuer=self._expected.issuer
        )

    def _check_progress(self, page: Page) -> None:
        """Let a feed go back once, as after a restore of its store, but never lead us in a circle."""
        if page.after is not None and page.after > (self.after or 0):
            raise PageRefused("the page answers another question, and lacks what comes before it")
        if self.after is None:
            return
        stands = page.more and page.seq == self.after
        if stands or (self._within and page.seq <= self.after):
            self._within = False
            raise PageRefused("the feed says more and goes nowhere")

    def _make_room(self, page: Page, now: float) -> None:
        if len(self.view) + len(page.entries) <= self._max_entries:
            return
        self._prune(now)
        if len(self.view) + len(page.entries) > self._max_entries:
            raise PageRefused("more revocations than max_entries")

    def _prune(self, now: float) -> None:
        """Forget what is over by the issuer's clock too: ours may be wrong and put right, and nobody tells us twice."""
        self.view.prune(min(now, self._told_at))
