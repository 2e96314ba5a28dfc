"""What may be sent at all: so many requests, to hosts that were named, so many a second."""

from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

from keyturn.errors import ConfigurationError

MAX_REQUESTS: Final = 1000


class BudgetSpent(Exception):
    """As many requests were sent as may be."""


class Budget:
    """Asked before each request, whatever it is for."""

    def __init__(self, hosts: Iterable[str], *, max_requests: int = MAX_REQUESTS, per_second: float = 0) -> None:
        """Allow *max_requests* to *hosts*, which are compared whole; *per_second* is 0 for no pause between them."""
        self.hosts = frozenset(host.lower() for host in hosts)
        self.max_requests = max_requests
        self.sent = 0
        self._gap = 1 / per_second if per_second else 0.0
        self._next_at = 0.0

    def check_host(self, url: str) -> None:
        """Refuse a URL at a host that nobody named.

        Raises:
            ConfigurationError: it is at another host, or is no http(s) URL.

        """
        host = host_of(url)
        if host not in self.hosts:
            raise ConfigurationError(f"The host {host or '(none)'} was not named: say --allow-host to have it asked.")

    def take(self) -> None:
        """Count a request.

        Raises:
            BudgetSpent: it would be one too many.

        """
        if self.sent >= self.max_requests:
            raise BudgetSpent
        self.sent += 1

    def wait(self, clock: Callable[[], float]) -> float:
        """Return the seconds to wait before the next request, which is taken to be sent after them."""
        now = clock()
        begin = max(now, self._next_at)
        self._next_at = begin + self._gap
        return begin - now


def host_of(url: str) -> str:
    """Return the host of an http(s) *url* in small letters, or nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    usable = parts.scheme in {"http", "https"} and "@" not in parts.netloc
    return (parts.hostname or "") if usable else ""
