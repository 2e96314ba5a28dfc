"""Taking turns: on a shared machine two figures compare only if their sides ran A B A B, side by side in time."""

import time
from collections.abc import Callable, Iterable

Work = Callable[[], float]


def least(seconds: float, *works: Work) -> list[float]:
    """Run the *works* in turn for about *seconds* a side, three times at least; return the least figure of each.

    For costs of pure computation: whatever else the machine does only ever adds to them.
    """
    figures: list[list[float]] = [[] for _ in works]
    end = time.perf_counter() + seconds * len(works)
    while time.perf_counter() < end or len(figures[0]) < 3:
        for work, seen in zip(works, figures, strict=True):
            seen.append(work())
    return [min(seen) for seen in figures]


def most(turns: int, *works: Work) -> list[float]:
    """Run the *works* in turn, *turns* times; return the greatest figure of each. For rates of whole servers."""
    figures = [[work() for work in works] for _ in range(turns)]
    return [max(side) for side in zip(*figures, strict=True)]


def cost(function: Callable[[str], object], texts: Iterable[str]) -> float:
    """Return the seconds that one call of *function* takes, over all *texts*."""
    texts = list(texts)
    start = time.perf_counter()
    for text in texts:
        function(text)
    return (time.perf_counter() - start) / len(texts)
