"""Each test has a folder of its own and no settings from outside."""

import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parent))

from cli_world import Installation, Run

from keyturn.cli.commands import app


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KEYTURN_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An installation without users."""
    return Installation(tmp_path)


@pytest.fixture
def keyturn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run commands in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str | bytes = "") -> Result:
        return CliRunner().invoke(app, arguments, input=stdin, prog_name="keyturn")

    return run
