"""The counters that ``/metrics`` shows, in a registry of their own: an app around us keeps its own.

What is counted is summed over the processes of this server; what is measured is of the process that answers.
"""

from collections.abc import Callable
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from keyturn.core.ports import CacheState, Store
from keyturn.server.observing.counters import Counter, Counters, Histograms
from keyturn.server.observing.tally import Tally


class Metrics:
    """What happened since the server started. No label holds anything that a peer has written.

    Attributes:
        logins: the counter of a ``result``: ``success``, or the error code of the refusal.
        refreshes: likewise.
        revocations: the counter of a ``kind``: what was revoked.
        request_seconds: how long requests took, by ``method``, ``route`` (the template) and ``status`` (``2xx`` …).

    """

    def __init__(self, tally: Tally | None = None) -> None:
        self._tally = tally or Tally()
        self.registry = CollectorRegistry(auto_describe=True)
        self.logins = self._counters("keyturn_logins", "Logins by result.", "result")
        self.refreshes = self._counters("keyturn_refreshes", "Refreshes by result.", "result")
        self.revocations = self._counters("keyturn_revocations", "Revocations by kind.", "kind")
        self.request_seconds = Histograms(
            self._tally,
            "keyturn_http_request_duration_seconds",
            "How long requests took.",
            ["method", "route", "status"],
            _BUCKETS,
        )
        self.registry.register(self.request_seconds)
        self._observer = cache(self.request_seconds.of)
        self._clock_offset = Gauge(
            "keyturn_clock_offset_seconds",
            "By how many seconds the clock of the database is ahead of this host's.",
            registry=self.registry,
        )
        self._audit_sealed = Gauge(
            "keyturn_audit_sealed_number",
            "The number of the last entry of the audit log that is sealed.",
            registry=self.registry,
        )
        self._audit_unsealed = Gauge(
            "keyturn_audit_unsealed_entries",
            "Entries of the audit log that wait for their seal.",
            registry=self.registry,
        )
        self._redis: Gauge | None = None
        self._redis_fallbacks = self._counters(
            "keyturn_redis_fallbacks", "Calls that the database answered in place of Redis.", "how"
        )
        self._breach_checks = self._counters(
            "keyturn_breach_checks", "New passwords that a list of stolen ones was asked for, by result.", "result"
        )
        Gauge("keyturn_up", "1 while the server serves.", registry=self.registry).set(1)

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer.

        Args:
            method: of the request; one that nobody has heard of counts as ``other``.
            route: the template of its URL, or an empty text where there is none.
            status: of the answer.
            seconds: how long it took.

        """
        self._observer(method if method in _METHODS else "other", route, f"{status // 100}xx").observe(seconds)

    def watch_clock(self, offset_seconds: Callable[[], float]) -> None:
        """Show what *offset_seconds* returns as the offset of the clock."""
        self._clock_offset.set_function(offset_seconds)

    def watch_sealing(self, *, sealed: Callable[[], int], unsealed: Callable[[], int]) -> None:
        """Show what the two return as the last entry of the audit log that is sealed, and how many are not."""
        self._audit_sealed.set_function(sealed)
        self._audit_unsealed.set_function(unsealed)

    def watch_redis(self, store: Store) -> None:
        """Show how the Redis of *store* fares, if it has one."""
        if store.cache_state is None:
            return
        if self._redis is None:
            self._redis = Gauge(
                "keyturn_redis_up", "1 while Redis answers, 0 while the database does without.", registry=self.registry
            )
        self._redis.set_function(lambda: store.cache_state is CacheState.OK)

    def count_redis_fallback(self, how: str) -> None:
        """Count a call that the database answered in place of Redis: Redis ``failed``, or was ``not_asked``."""
        self._redis_fallbacks(how).inc()

    def count_breach_check(self, result: str) -> None:
        """Count a check of a new password: ``found``, ``not_found`` or ``failed``."""
        self._breach_checks(result).inc()

    def _counters(self, name: str, what: str, label: str) -> Callable[[str], Counter]:
        """Return the counter of each value of *label*, looked up once: that costs more than counting."""
        counters = Counters(self._tally, name, what, label)
        self.registry.register(counters)
        return cache(counters.of)


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
