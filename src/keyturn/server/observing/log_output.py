"""Writing log lines beside the event loop: a thread takes what waits and writes it in one go.

A terminal or a pipe that does not keep up makes lines fall out, and the next line says how many: it never holds up a
request, and never takes more memory than `MAX_WAITING` lines.

Several processes may write to one pipe. What is written in one go is never longer than a pipe takes as a whole, so that
no line ends in the middle of another process's.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
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
        with suppress(OSError, ValueError):  # nobody reads any more, or the stream is closed
            for lines in _whole_lines(batch):
                self._stream.write(lines)
                self._stream.flush()


def _whole_lines(batch: Sequence[str]) -> Iterator[str]:
    """Yield the lines of *batch* in parts that a pipe takes whole; a longer line is a part of its own."""
    part: list[str] = []
    size = 0
    for line in batch:
        if part and size + len(line) >= _PIPE_TAKES:
            yield "".join(part)
            part, size = [], 0
        part.append(f"{line}\n")
        size += len(line) + 1
    if part:
        yield "".join(part)


_PIPE_TAKES: Final = 4096  # PIPE_BUF of Linux, in characters: lines of JSON are ASCII
_BATCH_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 2.0
