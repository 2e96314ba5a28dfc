"""What the long proofs share: modules that they import."""

import sys
from pathlib import Path

import pytest

pytest.register_assert_rewrite("session_machine", "faces", "races", "population")
sys.path += [
    str(Path(__file__).parent),
    *(str(Path(__file__).parents[1] / beside) for beside in ("core", "server", "servers")),
]
sys.path.append(str(Path(__file__).parents[2] / "examples"))
