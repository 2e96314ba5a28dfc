"""How long and how often, as an operator writes it: ``"10m"``, ``"500ms"``, and the rate ``"5/1m"``."""

import re
from dataclasses import dataclass, field
from typing import Final, Self

from keyturn.core.ratelimit import Rate


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time, kept in milliseconds, and in the words it was written in."""

    milliseconds: int
    text: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the duration that *text* writes: a whole number and one of ms, s, m, h, d.

        >>> Duration.parse("10m").seconds
        600

        Raises:
            ValueError: it is written in another way.

        """
        found = _DURATION.fullmatch(text)
        if found is None:
            raise ValueError("write a whole number and a unit of ms, s, m, h or d, such as '10m'")
        return cls(int(found[1]) * _UNITS[found[2]], text)

    @property
    def seconds(self) -> int:
        """Whole seconds; a rest of milliseconds is dropped."""
        return self.milliseconds // 1000

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate: *count* at once, then one each *period* / *count*."""

    count: int
    period: Duration

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the rate that *text* writes, as ``count/period``.

        >>> Limit.parse("5/1m").rate.interval_us
        12000000

        Raises:
            ValueError: it is written in another way, or is no rate that anybody could want.

        """
        count, _, period = text.partition("/")
        try:
            limit = cls(_count(count), Duration.parse(period))
        except ValueError:
            raise ValueError("write a count and a time, such as '5/1m'") from None
        if not 1 <= limit.count <= _MAX_COUNT or not _MIN_PERIOD <= limit.period <= _MAX_PERIOD:
            raise ValueError(f"the count is 1 to {_MAX_COUNT}, the time {_MIN_PERIOD} to {_MAX_PERIOD}")
        if limit.period.milliseconds % 1000:
            raise ValueError("the time of a limit is a whole number of seconds")
        return limit

    @property
    def rate(self) -> Rate:
        """The same for the rules."""
        return Rate.per(self.count, self.period.seconds)

    def __str__(self) -> str:
        return f"{self.count}/{self.period}"


def _count(text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise ValueError(text)
    return int(text)


_UNITS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION: Final = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_MAX_COUNT: Final = 1_000_000
_MIN_PERIOD: Final = Duration.parse("1s")
_MAX_PERIOD: Final = Duration.parse("1d")
