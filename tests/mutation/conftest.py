"""Lets the tests of the tool import it."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
