"""What the long proofs share: modules that they import, a seed that is said, a line of figures at the end."""

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.register_assert_rewrite("session_machine", "faces", "races", "population")
sys.path += [str(Path(__file__).parent), *(str(Path(__file__).parents[1] / beside) for beside in ("core", "servers"))]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], full: bool) -> Callable[[str], None]:
    """Print a line that a run in full shows at once, and a share only where its test fails."""

    def print_line(line: str) -> None:
        if not full:
            print(line)  # noqa: T201 - the figures are the result
            return
        with capsys.disabled():
            print(f"  {line}", flush=True)  # noqa: T201 - likewise

    return print_line


@pytest.fixture
def seed(say: Callable[[str], None]) -> int:
    """Return the seed of this run: a new one each time, or the one in ``KEYTURN_SEED`` to see a run again."""
    chosen = int(os.environ.get("KEYTURN_SEED") or secrets.randbits(32))
    say(f"KEYTURN_SEED={chosen}")
    return chosen
