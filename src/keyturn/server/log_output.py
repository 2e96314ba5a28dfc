"""Writing log lines beside the event loop: a thread takes what waits and writes it in one go.

A terminal or a pipe that does not keep up makes lines fall out, and the next line says how many: it never holds up a
request, and never takes more memory than `MAX_WAITING` lines.
"""

import threading
import time
from collections import deque
from contextlib import suppress
from typing import Final, TextIO

MAX_WAITING: Final = 20_000


class LineWriter:
    """Writes lines to *stream* until it is closed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="keyturn-log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Queue *line*, which has no line end of its own."""
        if len(self._lines) >= MAX_WAITING:
            self._dropped += 1
            return
        self._lines.append(line)
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write what waits and end the thread, unless the stream hangs."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout=_PATIENCE_SECONDS)

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait()
            time.sleep(_BATCH_SECONDS)  # one write, and one turn of this thread, for all lines of that time
            self._wake.clear()
            self._flush()
        self._flush()

    def _flush(self) -> None:
        batch = [self._lines.popleft() for _ in range(len(self._lines))]
        if self._dropped:
            batch.append(f'{{"event":"log lines dropped","count":{self._dropped}}}')
            self._dropped = 0
        if batch:
            with suppress(OSError, ValueError):  # nobody reads any more, or the stream is closed
                self._stream.write("\n".join(batch) + "\n")
                self._stream.flush()


_BATCH_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 2.0
