"""The counters that ``/metrics`` shows, in a registry of their own: an app around us keeps its own."""

from collections.abc import Callable
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """What happened since the process started. No label holds anything that a peer has written.

    Attributes:
        logins: the counter of a ``result``: ``success``, or the error code of the refusal.
        refreshes: likewise.
        revocations: the counter of a ``kind``: what was revoked.
        request_seconds: how long requests took, by ``method``, ``route`` (the template) and ``status`` (``2xx`` …).

    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self.logins = self._counters("keyturn_logins", "Logins by result.", "result")
        self.refreshes = self._counters("keyturn_refreshes", "Refreshes by result.", "result")
        self.revocations = self._counters("keyturn_revocations", "Revocations by kind.", "kind")
        self.request_seconds = Histogram(
            "keyturn_http_request_duration_seconds",
            "How long requests took.",
            ["method", "route", "status"],
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self._observer = cache(self.request_seconds.labels)
        Gauge("keyturn_up", "1 while the process serves.", registry=self.registry).set(1)

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer.

        Args:
            method: of the request; one that nobody has heard of counts as ``other``.
            route: the template of its URL, or an empty text where there is none.
            status: of the answer.
            seconds: how long it took.

        """
        self._observer(method if method in _METHODS else "other", route, f"{status // 100}xx").observe(seconds)

    def _counters(self, name: str, what: str, label: str) -> Callable[[str], Counter]:
        """Return the counter of each value of *label*, looked up once: that costs more than counting."""
        return cache(Counter(name, what, [label], registry=self.registry).labels)


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
