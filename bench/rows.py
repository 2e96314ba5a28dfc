"""What a bar gives: rows of a table, each a ratio taken in one run."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How long and how large.

    Attributes:
        seconds: how long a measurement of one side takes, all its turns together.
        turns: how many turns whole servers take; the best one counts.
        scale: 1 for the sizes that the bars name; less only to see that a bar runs at all.

    """

    seconds: float = 5.0
    turns: int = 5
    scale: float = 1.0

    @property
    def turn(self) -> float:
        """How long one turn takes, in seconds."""
        return self.seconds / self.turns

    def scaled(self, size: int) -> int:
        """Return *size* as it is to be tried, at least 64."""
        return max(64, int(size * self.scale))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        bar: its name, such as ``P4``.
        what: what was measured.
        measured: ours, with its unit.
        beside: the peer or the primitive, from the same run.
        ratio: what the bar is about, if that is a ratio; else None.
        target: the bar, as a person reads it.
        met: whether it was reached; None where the bar names no figure, or nothing could be measured.

    """

    bar: str
    what: str
    measured: str
    beside: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None


Bar = Callable[[Options], list[Row]]


def micros(seconds: float) -> str:
    """Return *seconds* in µs, for people."""
    return f"{seconds * 1e6:,.2f} µs"


def millis(seconds: float) -> str:
    """Return *seconds* in ms, for people."""
    return f"{seconds * 1e3:,.1f} ms"


def per_second(rate: float) -> str:
    """Return a *rate* for people."""
    return f"{rate:,.0f}/s"
