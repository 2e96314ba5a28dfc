"""The guide's test module, as a newcomer would copy it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from keyturn.attack.cases import CASES
from keyturn.attack.model import Need

GUIDE = Path(__file__).parents[2] / "docs" / "attack.md"


@pytest.mark.slow
def test_the_guides_module_makes_a_test_of_each_attack(tmp_path: Path) -> None:
    """All pass but those of an issuer, which are skipped, and those for which the app asks for no role."""
    (block,) = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    (tmp_path / "test_orders.py").write_text(block)
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "--rootdir", str(tmp_path)]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    skipped = sum(case.need is Need.ISSUER for case in CASES) + 1
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(CASES) - skipped} passed, {skipped} skipped" in run.stdout


@pytest.mark.slow
def test_the_guides_module_fails_for_an_app_that_forgets_the_check(tmp_path: Path) -> None:
    """The failure names the flaw, the route and the mend, and points at the test."""
    (block,) = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    forgetful = re.sub(r"token: Annotated\[[^\]]*\]", "", block).replace("token.sub", '"anybody"')
    assert forgetful != block
    (tmp_path / "test_orders.py").write_text(forgetful)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio", "-k", "missing-check"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    for text in ("missing-check at GET /orders", "Mend: ", "keyturn_attack.check()"):
        assert text in run.stdout
    assert "eyJ" not in run.stdout
