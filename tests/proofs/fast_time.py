"""A clock that runs many times as fast, and is the same one in every process that is told of it.

Hours of a schedule pass in seconds, and every length of time in the product stays what it is.
"""

import os
import time
from dataclasses import dataclass
from typing import Final, Self

VARIABLE: Final = "PROOF_TIME"
"""The variable of the environment that tells a process of the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FastTime:
    """Time since it *began*, in seconds of the machine's monotonic clock, goes *factor* times as fast."""

    began: float
    epoch: float
    factor: float

    @classmethod
    def starting_now(cls, factor: float) -> Self:
        """Return a clock that is right at this moment."""
        return cls(began=time.monotonic(), epoch=time.time(), factor=factor)

    @classmethod
    def told(cls) -> Self:
        """Return the clock that the environment tells of."""
        began, epoch, factor = map(float, os.environ[VARIABLE].split())
        return cls(began=began, epoch=epoch, factor=factor)

    def as_environ(self) -> dict[str, str]:
        """Return what tells another process of it."""
        return {VARIABLE: f"{self.began!r} {self.epoch!r} {self.factor!r}"}

    def time(self) -> float:
        """Return the time in epoch seconds."""
        return self.epoch + (time.monotonic() - self.began) * self.factor
