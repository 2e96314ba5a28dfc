"""How many connections are open at once: as many as the process has file descriptors for, less some to spare.

Whoever is beyond that is turned away at once. Else a crowd of idle peers would take the last descriptor, and then
neither a request nor the database could be opened.
"""

import resource
from typing import Final

from uvicorn.server import ServerState

from keyturn.server.observing import logs

MAX_CONNECTIONS: Final = 10_000
SPARE_DESCRIPTORS: Final = 96
"""For the database, the log and the listener, and for telling those who are turned away why."""

MAX_TOLD: Final = 32
"""How many connections beyond the limit, still open, are told why; the rest are cut off without a word."""


class OpenConnections(ServerState):
    """The connections of one server, *limit* at most."""

    def __init__(self, *, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._was_told = False

    def excess(self) -> int:
        """Return by how many the limit is exceeded, the newest connection counted; say so in the log once.

        Once means: until half of them are gone, so that a crowd at the limit does not write a line for each peer.
        """
        count = len(self.connections)
        if count > self._limit and not self._was_told:
            self._was_told = True
            logs.get_logger().warning("too many connections", limit=self._limit)
        elif count <= self._limit // 2:
            self._was_told = False
        return max(0, count - self._limit)


def connection_limit() -> int:
    """Return the limit of this process, from its RLIMIT_NOFILE."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, max(descriptors - SPARE_DESCRIPTORS, descriptors // 2))
