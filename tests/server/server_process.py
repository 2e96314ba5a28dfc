"""A server as a process of its own, as an operator runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = """\
import sys
from keyturn.errors import ConfigurationError
from keyturn.server.run import serve
from keyturn.server.settings import Purpose, Settings
def load():
    return Settings.load(purpose=Purpose.SERVE)
try:
    serve(load(), reload=load)
except ConfigurationError as error:
    sys.exit(f"refused: {error}")
"""


@dataclass(frozen=True, kw_only=True)
class Running:
    """A server that lets requests in. *port* is where, *ready* the line that it printed."""

    process: subprocess.Popen[str]
    port: int
    ready: str

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it; return its exit code and its log."""
        self.process.send_signal(with_signal)
        _, log = self.process.communicate(timeout=20)
        return self.process.returncode, log


@contextmanager
def running(
    folder: Path, environ: Mapping[str, str], program: str = PROGRAM, *, stdin: int | None = None
) -> Iterator[Running]:
    """Start a server in *folder* and wait until it says that it is ready."""
    process = _start(folder, environ, program, stdin)
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready, process.communicate()[1]
        yield Running(process=process, port=int(environ["KEYTURN_SERVER_PORT"]), ready=ready)
    finally:
        process.kill()
        process.communicate()


def refused(folder: Path, environ: Mapping[str, str], program: str = PROGRAM) -> str:
    """Start a server that does not start; return what it says."""
    process = _start(folder, environ, program)
    try:
        out, error = process.communicate(timeout=30)
    finally:
        process.kill()
    assert not out
    return error


def _start(folder: Path, environ: Mapping[str, str], program: str, stdin: int | None = None) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KEYTURN_")}
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        stdin=stdin,
        env=kept | dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
