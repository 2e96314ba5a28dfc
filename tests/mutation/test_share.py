"""A share of ``make mutate``: checks of the product are removed and inverted, and the room's tests notice each one."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from survivors import outdated, read_reasons, unexplained

pytestmark = pytest.mark.slow

RUN = Path(__file__).with_name("run.py")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tool."""
    command = [sys.executable, str(RUN), *arguments, "--jobs", "1"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize(("room", "share"), [("tokens", 8), ("core", 4)])
def test_no_check_can_be_taken_away_unnoticed(room: str, share: int, seed: int, say: Callable[[str], None]) -> None:
    """A seeded choice of checks, other ones each time; all of them are tried by ``make mutate``."""
    tried = run(room, "--kind", "check", "--share", str(share), "--seed", str(seed))
    say(tried.stdout)
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert f"{share} of {share}" in tried.stderr


def test_a_check_that_no_test_holds_is_told() -> None:
    """Planted: with the tests of another module alone, a check that is taken away survives, and the run fails."""
    tried = run(
        "tokens", "--only", r"strict_json.py::_unique_names: \{raise", "--tests", "tests/tokens/test_base64url.py"
    )
    assert tried.returncode == 1, tried.stdout + tried.stderr
    assert "no test notices, and no reason is given: tokens/strict_json.py::_unique_names" in tried.stdout


def test_tests_that_fail_by_themselves_prove_nothing(tmp_path: Path) -> None:
    """Planted: where a test fails with nothing changed, no mutant counts as killed."""
    broken = tmp_path / "test_broken.py"
    broken.write_text("def test_it():\n    assert False\n", "utf-8")
    tried = run("tokens", "--only", "strict_json.py::_unique_names", "--tests", str(broken))
    assert tried.returncode == 2, tried.stdout + tried.stderr


def test_a_reason_and_a_survivor_need_each_other(tmp_path: Path) -> None:
    """A survivor without a reason is told, and so is a reason for what is killed; no mutant has two."""
    assert unexplained(["tokens/a", "tokens/b"], {"tokens/a": "why"}) == ["tokens/b"]
    assert outdated(["tokens/a"], {"tokens/a": "why", "tokens/c": "why", "core/d": "why"}, "tokens") == ["tokens/c"]
    twice = tmp_path / "survivors.toml"
    twice.write_text('[[survivors]]\nbecause = "why"\nmutants = ["a", "a"]\n', "utf-8")
    with pytest.raises(ValueError, match="twice"):
        read_reasons(twice)
    assert all(read_reasons().values())
