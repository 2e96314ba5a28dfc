"""What the attacks share: the API under attack, what the rules say of a token, and a web server that misbehaves."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.extend(str(Path(__file__).parents[1] / beside) for beside in ("attacks", "fuzz", "verify"))

from target import ALGORITHMS, Target, target
from web_server import Web


@pytest.fixture(params=ALGORITHMS)
def api(request: pytest.FixtureRequest) -> Target:
    """Return the API under attack, once for tokens of each algorithm."""
    return target(request.param)


@pytest.fixture
def web() -> Iterator[Web]:
    """Return a web server on loopback."""
    server = Web()
    yield server
    server.close()
