"""``keyturn serve`` on a host whose clock is off, by as many seconds as the first argument says.

A second argument, ``uncorrected``, plants a fault: the server goes by its host's clock.
"""

import sys
import time

SHIFT_NS = int(float(sys.argv[1]) * 1_000_000_000)

true_time_ns = time.time_ns

# Before anything is imported that takes one of these by its name.
time.time_ns = lambda: true_time_ns() + SHIFT_NS
time.time = lambda: time.time_ns() / 1_000_000_000

from keyturn.__main__ import main  # noqa: E402
from keyturn.server.clock import Clock  # noqa: E402


async def not_corrected(*_: object) -> None:
    """Believe the host."""


if __name__ == "__main__":
    if sys.argv[2:] == ["uncorrected"]:
        Clock.correct = not_corrected  # type: ignore[method-assign]
    sys.argv = ["keyturn", "serve"]
    main()
