"""An API's follower of the revocation feed, looked at from outside: for the tests of each adapter."""

import time

from keyturn import Revocations
from keyturn.verify.gate import Gate

#: Nobody listens there.
NO_FEED = Revocations(url="http://127.0.0.1:1/revocations")


def follows(auth: Gate) -> bool:
    """Say whether the thread that follows its feed is alive."""
    run = auth.verifier._feed._run  # type: ignore[attr-defined]
    return run is not None and run.thread.is_alive()


def wait_for_the_end(auth: Gate) -> None:
    """Wait until it follows no more."""
    end = time.monotonic() + 20
    while follows(auth):
        assert time.monotonic() < end
        time.sleep(0.01)
