"""Servers as processes of their own, on a core of their own, so that who measures does not slow what is measured."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60.0

_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


def first_cores(number: int) -> frozenset[int]:
    """Return *number* cores, or as many as there are."""
    return frozenset(_CORES[:number])


def cores_beyond(number: int) -> frozenset[int]:
    """Return the cores behind the first *number*; all of them if there are no others."""
    return frozenset(_CORES[number:] or _CORES)


#: The one core that every server runs on, ours and peers alike, unless it has several workers.
SERVER_CORES = first_cores(1)

#: Where the load comes from: the other cores, if there are others.
LOAD_CORES = cores_beyond(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that answers.

    Attributes:
        port: of 127.0.0.1.
        pid: of the first process.

    """

    port: int
    pid: int


@contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """Keep this thread, and the processes and threads it starts meanwhile, on *cores*, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def running(
    command: Sequence[str],
    *,
    port: int,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    cores: frozenset[int] = SERVER_CORES,
) -> Iterator[Running]:
    """Run a server on its *cores* until the ``with`` ends; what it prints goes to *log*.

    Raises:
        RuntimeError: it ended, or did not listen in time; with the end of what it printed.

    """
    with log.open("wb") as out, pinned(cores):
        process = subprocess.Popen(command, stdout=out, stderr=out, env=_environment(env), cwd=cwd)
    try:
        _await_port(process, port, log)
        yield Running(port=port, pid=process.pid)
    finally:
        _stop(process)


def python(*arguments: str) -> list[str]:
    """Return the command that runs this very interpreter with *arguments*."""
    return [sys.executable, *arguments]


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """Return our environment without the settings of a server that somebody set for themselves."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KEYTURN_")} | dict(extra or {})


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"{' '.join(map(str, process.args))} does not listen:\n{log.read_text()[-2000:]}")  # type: ignore[arg-type]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
