"""The fuzzer stands on the API under attack."""

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "attacks")]
