"""Real processes for the examples and the documents: a folder, an environment of its own, free ports."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx2

ROOT: Final = Path(__file__).parents[1]
EXAMPLES: Final = ROOT / "examples"
PASSWORD: Final = "a password for the examples"
KEYTURN: Final = (sys.executable, "-m", "keyturn")
UVICORN: Final = (sys.executable, "-m", "uvicorn", "--log-level", "warning")
PATIENCE_SECONDS: Final = 30


def environment(**settings: str) -> dict[str, str]:
    """Return the environment of a process: ours without any setting, and *settings*."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("KEYTURN_")}
    return ours | {"PYTHONUNBUFFERED": "1"} | settings


def keyturn(folder: Path, *arguments: str, **settings: str) -> str:
    """Run a command to its good end in *folder*, with the password on its standard input; return what it prints."""
    return subprocess.run(
        [*KEYTURN, *arguments],
        cwd=folder,
        env=environment(**settings),
        input=f"{PASSWORD}\n",
        text=True,
        capture_output=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    ).stdout


def install(folder: Path, **settings: str) -> None:
    """Set an installation up as an operator would, with the user ``ada``."""
    for command in (["init"], ["db", "upgrade"], ["users", "add", "ada", "--role", "user"]):
        keyturn(folder, *command, **settings)


@contextmanager
def running(folder: Path, *command: str, answers: str, env: Mapping[str, str]) -> Iterator[Path]:
    """Run *command* until the end of the ``with``, once *answers*, a URL, answers; yield the file of its output."""
    output = folder / f"{time.monotonic_ns()}{'-dev' if 'dev' in command else ''}.out"
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=folder, env=dict(env), stdout=file, stderr=subprocess.STDOUT)
    try:
        _wait(process, answers, output)
        yield output
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def log_in(issuer: str, **fields: str) -> dict[str, str]:
    """Return the tokens of a native login as ``ada``."""
    form = {"username": "ada", "password": PASSWORD, "client": "native", **fields}
    answer = httpx2.post(f"{issuer}/login", json=form)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


def get(url: str, token: str | None = None) -> httpx2.Response:
    """Ask for *url*, with an access token if there is one."""
    return httpx2.get(url, headers={} if token is None else {"Authorization": f"Bearer {token}"})


def _wait(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        assert process.poll() is None, output.read_text("utf-8")
        try:
            httpx2.get(url)
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(output.read_text("utf-8"))
