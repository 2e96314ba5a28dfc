"""The peers of P4, started as their own documentation does it, on the same core as ours."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from load import Rotation, json_head
from processes import Running, free_port, python, running

_PEERS = Path(__file__).with_name("peers")


@contextmanager
def simplejwt(
    directory: Path, sessions: int, *, setup: Literal["default", "tuned"]
) -> Iterator[tuple[Running, Rotation]]:
    """Run Django REST framework with simplejwt under gunicorn: one worker, an SQLite file in *directory*."""
    project, port = _PEERS / "simplejwt", free_port()
    environment = {
        "BENCH_SECRET": secrets.token_urlsafe(48),
        "BENCH_DATABASE": str(directory / f"simplejwt-{setup}.db"),
        "BENCH_SETUP": setup,
    }
    tokens = subprocess.run(
        python("prepare.py", str(sessions)),
        cwd=project,
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rotation = Rotation(
        head=json_head("/refresh"),
        before='{"refresh":"',
        after='"}',
        marker='"refresh":"',
        tokens=tuple(json.loads(tokens)),
    )
    command = python(
        "-m", "gunicorn", "--workers", "1", "--bind", f"127.0.0.1:{port}", "--log-level", "warning", "wsgi"
    )
    with running(command, port=port, log=directory / f"simplejwt-{setup}.log", env=environment, cwd=project) as server:
        yield server, rotation


@contextmanager
def bare_starlette(directory: Path) -> Iterator[Running]:
    """Run a Starlette app that does nothing under uvicorn."""
    with uvicorn(_PEERS, "bare_starlette:app", directory / "starlette.log") as server:
        yield server


@contextmanager
def uvicorn(folder: Path, app: str, log: Path) -> Iterator[Running]:
    """Run *app*, found in *folder*, under uvicorn: one process, no access log."""
    port = free_port()
    command = python("-m", "uvicorn", app, "--app-dir", str(folder), "--port", str(port), "--no-access-log")
    environment = {"PYTHONPATH": str(Path(__file__).parent)}
    with running([*command, "--log-level", "warning"], port=port, log=log, env=environment) as server:
        yield server
