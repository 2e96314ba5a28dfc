"""Lines of several processes in one pipe."""

import os
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

WRITES = """
import sys, time
from keyturn.server.observing.log_output import LineWriter
writer = LineWriter(sys.stderr)
for number in range(4000):
    writer.write(sys.argv[1] * (80 + number % 150))
    if number % 100 == 0:
        time.sleep(0.003)
writer.close()
"""


def test_no_line_ends_in_the_middle_of_another_process_s() -> None:
    """Two that write faster than anybody reads: every line is there, and whole."""
    pipe, end = os.pipe()
    writers = [subprocess.Popen([sys.executable, "-c", WRITES, letter], stderr=end) for letter in "ab"]
    os.close(end)
    time.sleep(0.5)  # the pipe is full by then, and takes what comes in parts
    with os.fdopen(pipe) as reader:
        lines = reader.read().splitlines()
    for writer in writers:
        assert writer.wait(20) == 0

    assert len(lines) == 8000
    assert not [line for line in lines if len(set(line)) > 1]
