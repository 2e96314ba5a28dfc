"""Tests of settings run where no configuration file lies about."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run where no configuration file lies about."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
