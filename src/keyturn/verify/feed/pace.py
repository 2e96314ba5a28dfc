"""When to ask a revocation feed again, and how long to let it wait. Pure but for the dice.

A page must come well within ``max_age``, although the one before may have been lost.
"""

import random
from dataclasses import dataclass
from typing import Final, Self

from keyturn.verify.revocations import Revocations

#: Seconds that a feed may hold a question at most (contract of the endpoint).
MAX_WAIT: Final = 30

#: Seconds between two failed questions: the first time, and at most.
FIRST_RETRY: Final = 0.2
MAX_RETRY: Final = 2.0

#: Seconds between two questions while there is news, so that news comes in handfuls.
GAP: Final = 0.05

#: The same where a feed has none and does not wait for any.
IDLE_GAP: Final = 0.5

#: Seconds for an answer beyond the wait, at most.
GRACE: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often one feed is asked. All in seconds.

    Attributes:
        wait: how long the feed may hold a question for news; 0 in a poll.
        grace: how long an answer may take beyond that.
        interval: between two polls; None for a long poll.

    """

    wait: int
    grace: float
    interval: float | None

    @classmethod
    def of(cls, revocations: Revocations) -> Self:
        """Return the pace at which the view stays within its ``max_age``, be one question in a row lost."""
        wait = 0 if revocations.interval is not None else min(MAX_WAIT, int(revocations.max_age / 2))
        return cls(wait=wait, grace=min(GRACE, 0.4 * revocations.max_age), interval=revocations.interval)

    def pause(self, *, waited: int, took: float, news: bool) -> float:
        """Return how long to pause after a page behind which there is no other.

        Args:
            waited: how long the feed might have held the question.
            took: how long it did.
            news: whether the page brought any.

        """
        if self.interval is not None:
            return self.interval
        return GAP if news or not waited else max(GAP, IDLE_GAP - took)


def retry_after(failures: int) -> float:
    """Return how long to pause after so many *failures* in a row; not all verifiers the same."""
    longest = min(FIRST_RETRY * 2.0 ** min(failures - 1, 8), MAX_RETRY)
    return longest * _DICE.uniform(0.5, 1)


#: Dice of our own: an app that seeds the common ones gets from them what it would without us.
_DICE: Final = random.Random()  # noqa: S311 - this spreads load and hides nothing
