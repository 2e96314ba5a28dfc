"""What every endpoint is handed: ``request.app.state.keyturn``.

It is there before the server has started, and without what only a started server has: an endpoint that is called too
early answers 503.
"""

from keyturn.core.feed import Feed
from keyturn.core.ports import UserDirectory
from keyturn.core.services import Services
from keyturn.errors import TemporarilyUnavailable
from keyturn.server.clock import Clock
from keyturn.server.cors import Origins
from keyturn.server.observing.metrics import Metrics
from keyturn.server.settings import Settings
from keyturn.server.signing import sign_page
from keyturn.verify.checking import TokenChecker


class ServerState:
    """One authorization server.

    Attributes:
        settings: what it was told.
        clock: the time.
        metrics: its counters.
        origins: whose pages may call it.
        users: the directory of an app that keeps its own users, or None.

    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        metrics: Metrics,
        origins: Origins,
        users: UserDirectory | None = None,
    ) -> None:
        self.settings = settings
        self.users = users
        self.clock = clock
        self.metrics = metrics
        self.origins = origins
        self._services: Services | None = None
        self._checker: TokenChecker | None = None
        self._feed: Feed | None = None

    @property
    def services(self) -> Services:
        """What the flows of ``core`` work with.

        Raises:
            TemporarilyUnavailable: the server has not started, or has stopped.

        """
        if self._services is None:
            raise _not_running()
        return self._services

    @property
    def checker(self) -> TokenChecker:
        """Verifies our own access tokens, for every configured audience and the issuer itself.

        Raises:
            TemporarilyUnavailable: the server has not started, or has stopped.

        """
        if self._checker is None:
            raise _not_running()
        return self._checker

    @property
    def feed(self) -> Feed:
        """The revocation feed.

        Raises:
            TemporarilyUnavailable: the server has not started, or has stopped.

        """
        if self._feed is None:
            raise _not_running()
        return self._feed

    def start(self, services: Services, checker: TokenChecker) -> None:
        """Let requests in."""
        self._services = services
        self._checker = checker
        self._feed = Feed(services, sign_page)

    def end_waiting(self) -> None:
        """Answer at once whoever waits for news, from now on too: the end has begun."""
        if self._feed is not None:
            self._feed.stop()

    def stop(self) -> None:
        """Let no request in any more."""
        self.end_waiting()
        self._feed = None
        self._services = None
        self._checker = None


def _not_running() -> TemporarilyUnavailable:
    return TemporarilyUnavailable("the lifespan is not running")
