"""An issuer in memory, and a web server that answers as badly as a test wants it to."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from feed_world import AUDIENCE, Feed, wait_for_no_threads
from web_server import Behave, Web, answer

from keyturn import Revocations, Verifier
from keyturn.testing import TestIssuer


@pytest.fixture
def web() -> Iterator[Web]:
    """Return a web server on loopback."""
    server = Web()
    yield server
    server.close()


@pytest.fixture
def issuer() -> TestIssuer:
    """Return an issuer in memory."""
    return TestIssuer()


@pytest.fixture
def answering() -> Callable[..., Behave]:
    """Return what makes a behaviour of one whole answer."""
    return answer


@pytest.fixture
def feed(web: Web) -> Iterator[Feed]:
    """Return an issuer on loopback with a revocation feed."""
    feed = Feed(TestIssuer(web.url, AUDIENCE))
    web.behave = feed.behave
    yield feed
    feed.seq += 1
    feed.wake()  # so that no answer is still under way


@pytest.fixture
def following(feed: Feed) -> Iterator[Callable[..., Verifier]]:
    """Return what makes a verifier that follows *feed*; the argument is that of Revocations. All are closed."""
    with contextlib.ExitStack() as verifiers:

        def make(**described: Any) -> Verifier:
            return verifiers.enter_context(Verifier(feed.issuer.issuer, AUDIENCE, revocations=Revocations(**described)))

        yield make
    wait_for_no_threads()
