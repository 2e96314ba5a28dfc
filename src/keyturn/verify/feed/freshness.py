"""How old a view of the revocations is. Pure but for one line in the log.

A page's ``iat`` says when its issuer made it. Clocks differ: within the leeway that is no age, and beyond it a page
from the future proves nothing. The same page again proves nothing either.
"""

import logging
import math
import threading
from typing import Final


class Freshness:
    """Says until when a view counts. One thread confirms; any number may read.

    A view counts for *max_age* after its page was made; where that took up to *leeway* to arrive, after it arrived.

    Attributes:
        until: the epoch second from which the view is too old; a plain number, as each verification compares it.

    """

    __slots__ = ("_issued_at", "_leeway", "_lock", "_max_age", "_told", "until")

    def __init__(self, *, max_age: float, leeway: float) -> None:
        self.until = -math.inf
        self._max_age = max_age
        self._leeway = leeway
        self._issued_at = -math.inf
        self._told = False
        self._lock = threading.Lock()

    @property
    def began(self) -> bool:
        """Whether the view has ever counted."""
        return self.until > -math.inf

    def confirm(self, issued_at: float, now: float) -> None:
        """Take note that a page made at *issued_at* said all there was. Both in epoch seconds."""
        if not self._issued_at < issued_at <= now + self._leeway:
            return
        self._issued_at = issued_at
        self.until = max(self.until, min(issued_at + self._leeway, now) + self._max_age)
        if now < self.until:
            self._tell_fresh()

    def limit(self, now: float) -> None:
        """Mind a clock that was put back: nothing counts for longer than it could from *now* on."""
        self.until = min(self.until, now + self._max_age)
        self._issued_at = min(self._issued_at, now + self._leeway)

    def tell_if_stale(self, now: float) -> None:
        """Log that the view is too old at *now*, once."""
        with self._lock:
            if now < self.until or self._told:
                return
            self._told = True
        _log.warning("the view of what was revoked is older than %g s", self._max_age)

    def forget(self) -> None:
        """Begin again, without a view."""
        self.until = self._issued_at = -math.inf
        self._told = False
        self._lock = threading.Lock()

    def _tell_fresh(self) -> None:
        with self._lock:
            if not self._told:
                return
            self._told = False
        _log.warning("the view of what was revoked is fresh again")


_log: Final = logging.getLogger("keyturn.verify")
