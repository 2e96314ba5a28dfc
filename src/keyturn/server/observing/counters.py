"""Counters and histograms over a `Tally`, as prometheus_client collects them. For one event loop: there is no lock."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from keyturn.server.observing.tally import Numbers, Tally


class Counter:
    """One number that grows."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def inc(self, amount: float = 1) -> None:
        """Add *amount*."""
        self._numbers[0] += amount


class Counters(Collector):
    """A counter for each value of one label."""

    def __init__(self, tally: Tally, name: str, documentation: str, label: str) -> None:
        self._tally = tally
        self._name = name
        self._documentation = documentation
        self._label = label

    def of(self, value: str) -> Counter:
        """Return the counter of *value*."""
        return Counter(self._tally.numbers(self._name, [value], 1))

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the sums over all processes."""
        family = CounterMetricFamily(self._name, self._documentation, labels=[self._label])
        for labels, (count,) in self._tally.sums(self._name).items():
            family.add_metric(labels, count)
        yield family


class Histogram:
    """How many observations fell below each bound, and their sum."""

    __slots__ = ("_bounds", "_numbers")

    def __init__(self, numbers: Numbers, bounds: Sequence[float]) -> None:
        self._numbers = numbers
        self._bounds = bounds

    def observe(self, amount: float) -> None:
        """Count one observation."""
        self._numbers[bisect_left(self._bounds, amount)] += 1
        self._numbers[-1] += amount


class Histograms(Collector):
    """A histogram for each combination of values of the *labels*."""

    def __init__(
        self, tally: Tally, name: str, documentation: str, labels: Sequence[str], bounds: Sequence[float]
    ) -> None:
        self._tally = tally
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._bounds = bounds

    def of(self, *values: str) -> Histogram:
        """Return the histogram of *values*."""
        width = len(self._bounds) + 2  # one beyond the last bound, and the sum
        return Histogram(self._tally.numbers(self._name, values, width), self._bounds)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the sums over all processes."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=list(self._labels))
        names = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        for labels, (*counts, total) in self._tally.sums(self._name).items():
            family.add_metric(labels, list(zip(names, accumulate(counts), strict=True)), total)
        yield family
