"""P10: what an API pays for ``import keyturn``, and how soon ``keyturn --help`` answers."""

import subprocess
import time

from processes import python
from rounds import Work, least
from rows import Options, Row

RUNS = 5

_IMPORT = "from time import perf_counter as now; start = now(); from keyturn import Verifier; print(now() - start)"


def measure(options: Options) -> list[Row]:
    """Start new interpreters, the best of five or more; what the files cost the first time is not counted."""
    seconds = min(options.seconds, RUNS)
    imported, helped, bare = least(seconds, _import, _run("-m", "keyturn", "--help"), _run("-c", "pass"))
    return [
        _row("from keyturn import Verifier", imported, 0.1, ""),
        _row("keyturn --help, the whole process", helped, 0.3, f"{bare * 1000:.0f} ms an interpreter alone"),
    ]


def _row(what: str, seconds: float, most: float, beside: str) -> Row:
    return Row(
        bar="P10",
        what=what,
        measured=f"{seconds * 1000:.0f} ms",
        beside=beside,
        target=f"< {most * 1000:.0f} ms",
        met=seconds < most,
    )


def _import() -> float:
    return float(subprocess.run(python("-c", _IMPORT), check=True, capture_output=True, text=True).stdout)


def _run(*arguments: str) -> Work:
    def work() -> float:
        start = time.perf_counter()
        subprocess.run(python(*arguments), check=True, capture_output=True)
        return time.perf_counter() - start

    return work
