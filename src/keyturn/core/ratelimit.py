"""Rate limits: the generic cell rate algorithm (GCRA), one integer of state a key.

A key's state is its theoretical arrival time (TAT) in epoch microseconds. A request conforms if the TAT is at
most ``(burst - 1) * interval`` ahead of now, and moves it one interval on. Giving a reservation back moves it
one interval back. A TAT further ahead than any request can have put it is the trace of a clock that was set back, and
counts for nothing. The same rule stands as SQL in ``store/sql/rate_limits.py``, so that it is one atomic
statement there; the conformance suite holds the two against each other.
"""

from dataclasses import dataclass
from typing import Self

CLOCK_STEP_US = 60_000_000
"""A clock that is set back by more than this must lock nobody out. Clocks of two hosts differ by less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A burst of *burst* at once, then one each *interval_us* microseconds."""

    burst: int
    interval_us: int

    @classmethod
    def per(cls, count: int, seconds: int) -> Self:
        """Return the rate written ``count/seconds``: *count* at once, then one each ``seconds / count``."""
        return cls(burst=count, interval_us=max(1, seconds * 1_000_000 // count))

    @property
    def horizon_us(self) -> int:
        """How far ahead of now a TAT can be believed; one beyond it was written before the clock was set back."""
        return self.burst * self.interval_us + CLOCK_STEP_US

    @property
    def tolerance_us(self) -> int:
        """How far ahead of now the TAT may be for a request to conform."""
        return (self.burst - 1) * self.interval_us

    def times(self, factor: int) -> "Rate":
        """Return the rate that lets *factor* times as much through."""
        return Rate(burst=self.burst * factor, interval_us=max(1, self.interval_us // factor))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One request's draw on one limit: *key* says whose, *rate* how much there is."""

    key: str
    rate: Rate


def charge(tat_us: int, now_us: int, rate: Rate) -> int | None:
    """Return the new TAT, or None if the request does not conform.

    >>> one_each_ten_seconds = Rate.per(1, 10)
    >>> charge(0, 1_000_000, one_each_ten_seconds)
    11000000
    >>> charge(11_000_000, 2_000_000, one_each_ten_seconds) is None
    True
    """
    conforming_us = now_us + rate.tolerance_us
    if conforming_us < tat_us <= now_us + rate.horizon_us:
        return None
    return (tat_us if now_us < tat_us <= conforming_us else now_us) + rate.interval_us


def retry_after(tat_us: int, now_us: int, rate: Rate) -> int:
    """Return the whole seconds, at least 1, until a request on *tat_us* conforms."""
    wait_us = tat_us - rate.tolerance_us - now_us
    return max(1, -(-wait_us // 1_000_000))
