"""What the attacks share: the API under attack, and what the rules say of a token."""

import os
import sys
from pathlib import Path

import pytest

pytest.register_assert_rewrite("target")
sys.path += [str(Path(__file__).parent), *(str(Path(__file__).parents[1] / beside) for beside in ("verify", "fuzz"))]


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of public test vectors, which lies beside the clone."""
    beside = Path(__file__).resolve().parents[2] / ".." / "shared" / "vectors"
    folder = Path(os.environ.get("KEYTURN_VECTORS", beside))
    if not folder.is_dir():
        pytest.skip(f"no test vectors in {folder} (KEYTURN_VECTORS)")
    return folder
