"""Each test attacks an app of its own, in this process."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from attack_world import AUDIENCE, ISSUER

from keyturn.testing import TestIssuer


@pytest.fixture
def issuer() -> TestIssuer:
    """Return the issuer whose tokens the app takes."""
    return TestIssuer(ISSUER, AUDIENCE)
