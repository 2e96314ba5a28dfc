"""How well a number tells two groups apart: the area under the ROC curve (AUC), which is 0.5 for a coin.

The AUC is the chance that one of the first group has a larger number than one of the second, by the rank sum of Mann
and Whitney; its standard error is Hanley and McNeil's (1982). A threshold is chosen on one half of the samples and
judged on the other, so that it is not praised for what it has only learnt by heart.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from math import erfc, sqrt

Numbers = Sequence[float]

Z_95 = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """How well a number tells two groups apart.

    Attributes:
        auc: at least 0.5, since whoever sees the groups the wrong way round only has to turn them round.
        error: its standard error.
        accuracy: the share of samples that the best threshold puts into the right group.

    """

    auc: float
    error: float
    accuracy: float

    def __str__(self) -> str:
        reach = Z_95 * self.error
        interval = f"{max(0.5, self.auc - reach):.3f} to {min(1.0, self.auc + reach):.3f}"
        return f"AUC {self.auc:.3f} (95 %: {interval}), best threshold right in {self.accuracy:.1%}"


def separate(one: Numbers, other: Numbers) -> Separation:
    """Return how well their numbers tell *one* from *other*."""
    auc = area(one, other)
    seen = max(auc, 1 - auc)
    return Separation(auc=seen, error=_error(seen, len(one), len(other)), accuracy=_accuracy(one, other))


def area(one: Numbers, other: Numbers) -> float:
    """Return the chance that one of *one* is larger than one of *other*; of two that are equal, half.

    >>> area([2, 3], [1, 2])
    0.875
    """
    ranks = _ranks(chain(one, other))
    rank_sum = sum(ranks[number] for number in one)
    return (rank_sum - len(one) * (len(one) + 1) / 2) / (len(one) * len(other))


def false_alarm(bound: float, each: int) -> float:
    """Return the chance that two groups of *each* samples that don't differ have an AUC beyond *bound*."""
    deviation = sqrt((2 * each + 1) / (12 * each * each))
    return erfc((bound - 0.5) / deviation / sqrt(2))


def _ranks(numbers: "chain[float]") -> dict[float, float]:
    """Return the rank of each number from 1; equal ones share the mean of theirs."""
    ranks, before = {}, 0
    for number, times in sorted(Counter(numbers).items()):
        ranks[number] = before + (times + 1) / 2
        before += times
    return ranks


def _error(auc: float, ones: int, others: int) -> float:
    first, second = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = auc * (1 - auc) + (ones - 1) * (first - auc * auc) + (others - 1) * (second - auc * auc)
    return sqrt(max(0.0, spread) / (ones * others))


def _accuracy(one: Numbers, other: Numbers) -> float:
    threshold, above = _best_threshold(one[::2], other[::2])
    right = sum((number > threshold) == above for number in one[1::2])
    right += sum((number > threshold) != above for number in other[1::2])
    return right / (len(one[1::2]) + len(other[1::2]))


def _best_threshold(one: Numbers, other: Numbers) -> tuple[float, bool]:
    """Return the threshold, and whether *one* is above it."""
    tagged = sorted([*((number, 1) for number in one), *((number, -1) for number in other)])
    best, threshold, above, balance = 0, 0.0, True, 0
    for (number, side), (following, _) in pairwise(tagged):
        balance += side
        if abs(balance) > best:
            best, threshold, above = abs(balance), (number + following) / 2, balance < 0
    return threshold, above
