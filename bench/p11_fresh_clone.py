"""P11: from a fresh clone to the first token over HTTP: ``make serve``, with the packages in the installer's cache."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory

from rows import Options, Row

MOST_SECONDS = 30
REPOSITORY = Path(__file__).parent.parent

#: Seconds after which nothing more is to be expected.
PATIENCE = 300

_END = ""

#: The line that ``keyturn dev`` prints for people to try: it logs in and gets both tokens.
_CURL = re.compile(r"curl\b.*?(https?://[^\s'\"]+/login)\b.*?(\{.*\})")


def measure(options: Options, repository: Path = REPOSITORY) -> list[Row]:  # noqa: ARG001 - it takes what it takes
    """Clone, ``make serve``, log in as the printed line says. The clone itself is not counted."""
    with TemporaryDirectory(prefix="bench-") as directory:
        clone = Path(directory) / "keyturn"
        cloned = subprocess.run(["git", "clone", "-q", repository, clone], capture_output=True, text=True, check=False)
        if cloned.returncode != 0:
            return [_row("not measured: there is no commit to clone", None)]
        start = time.perf_counter()
        with _make_serve(clone) as lines:
            _log_in(*_curl_line(lines))
            seconds = time.perf_counter() - start
    return [_row(f"{seconds:.1f} s", seconds)]


def _row(measured: str, seconds: float | None) -> Row:
    return Row(
        bar="P11",
        what="make serve on a fresh clone, to the first token over HTTP",
        measured=measured,
        target=f"< {MOST_SECONDS} s",
        met=None if seconds is None else seconds < MOST_SECONDS,
    )


@contextmanager
def _make_serve(clone: Path) -> Iterator["Queue[str]"]:
    """Run it as somebody at a terminal would, and end it as Ctrl-C does."""
    process = subprocess.Popen(
        ["make", "serve"],
        cwd=clone,
        env={name: value for name, value in os.environ.items() if not name.startswith(("KEYTURN_", "VIRTUAL_ENV"))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines: Queue[str] = Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        yield lines
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
        reader.join()
        process.stdout.close()


def _read(stream: Iterator[str], lines: "Queue[str]") -> None:
    for line in stream:
        lines.put(line)
    lines.put(_END)


def _curl_line(lines: "Queue[str]") -> tuple[str, str]:
    """Return the URL and the body of the printed line.

    Raises:
        RuntimeError: it was not printed; with what was.

    """
    printed = ""
    deadline = time.monotonic() + PATIENCE
    with suppress(Empty):
        while line := lines.get(timeout=max(0.0, deadline - time.monotonic())):
            printed += line
            if found := _CURL.search(line):
                return found[1], found[2]
    raise RuntimeError(f"keyturn dev has not printed how to log in:\n{printed}")


def _log_in(url: str, body: str) -> None:
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})  # noqa: S310 - http, by _CURL
    for _ in range(100):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - likewise
                assert json.load(answer)["access_token"]
                return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise RuntimeError("keyturn dev does not listen")
