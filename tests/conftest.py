"""What every test may count on, and what a run may be told: a seed that is said, a line of figures at the end."""

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from whole_run import plugin


def pytest_configure(config: pytest.Config) -> None:
    """Keep what this run issues and what it leaves behind, for the search at its end."""
    plugin.install(config)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long suites be run in full."""
    parser.addoption("--full", action="store_true", help="run races, kills and the state machine in full")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Tell whether the long suites are to be run in full; else a bounded share of them runs."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Return the folder of public test vectors, which lies beside the clone."""
    beside = Path(__file__).resolve().parents[1] / ".." / "shared" / "vectors"
    folder = Path(os.environ.get("KEYTURN_VECTORS", beside))
    if not folder.is_dir():
        pytest.skip(f"no test vectors in {folder} (KEYTURN_VECTORS)")
    return folder


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Turn a skip into a failure where skips are forbidden: a test that did not run has proved nothing.

    The public test vectors are not part of the project; where their folder is absent, its tests may skip.
    """
    report = yield
    forbidden = os.environ.get("KEYTURN_FORBID_SKIPS") and "KEYTURN_VECTORS" not in str(report.longrepr)
    if forbidden and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although skips are forbidden: {report.longrepr}"
    return report
