"""What a command asks for, on a terminal and on a pipe."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from cli_world import PASSWORD, Installation, plain_environment


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *arguments: str, folder: Path) -> None:
        self.output = ""
        self.descriptor, other_end = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "keyturn", *arguments],
            cwd=folder,
            env=plain_environment() | {"TERM": "dumb"},
            stdin=other_end,
            stdout=other_end,
            stderr=other_end,
            start_new_session=True,
        )
        os.close(other_end)

    def expect(self, text: str) -> None:
        """Wait until *text* is on the screen, beyond what was expected before."""
        deadline = time.monotonic() + 15
        while text not in self.output:
            assert time.monotonic() < deadline, f"{text!r} is not in {self.output!r}"
            if select.select([self.descriptor], [], [], 0.1)[0]:
                self.output += os.read(self.descriptor, 4096).decode()
        self.output = self.output.partition(text)[2]

    def type(self, line: str) -> None:
        """Type *line* and Enter, once the echo is off as for every password."""
        time.sleep(0.1)
        os.write(self.descriptor, f"{line}\n".encode())

    def wait(self) -> int:
        """Return the exit code."""
        with suppress(OSError):  # Linux says so when the other end is closed
            while data := os.read(self.descriptor, 4096):
                self.output += data.decode()
        os.close(self.descriptor)
        return self.process.wait(timeout=15)


@pytest.mark.slow
def test_a_terminal_is_asked_twice(installation: Installation) -> None:
    """On a terminal the password is asked for twice, again if the two differ, and never shown."""
    terminal = Terminal("users", "add", "ada", "--config", str(installation.config), folder=installation.config.parent)
    terminal.expect("Password:")
    terminal.type(PASSWORD)
    terminal.expect("The same again:")
    terminal.type("something else entirely")
    terminal.expect("Password:")
    terminal.type(PASSWORD)
    terminal.expect("The same again:")
    terminal.type(PASSWORD)
    assert terminal.wait() == 0
    assert PASSWORD not in terminal.output
    assert installation.log_in("ada").access_token


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code", "state"), [("n", 1, "active"), ("y", 0, "revoked")])
def test_an_emergency_is_confirmed(installation: Installation, answer: str, code: int, state: str) -> None:
    """Revoking a key asks first; a no changes nothing and exits with 1."""
    kid = installation.must("keys", "rotate") or _only_kid(installation)
    terminal = Terminal("keys", "revoke", kid, "--config", str(installation.config), folder=installation.config.parent)
    terminal.expect("[y/N]")
    terminal.type(answer)
    assert terminal.wait() == code
    assert f'"state": "{state}"' in installation.must("keys", "list", "--json")


def test_one_line_of_a_pipe(installation: Installation) -> None:
    """On a pipe the password is the first line, with its blanks, without its line end."""
    assert installation.run("users", "add", "ada", stdin=f" {PASSWORD} \r\nsecond line\n").exit_code == 0
    installation.add("bob")
    assert installation.run("users", "passwd", "bob", stdin=PASSWORD).exit_code == 0
    assert installation.log_in("bob")


@pytest.mark.parametrize("stdin", ["", "\n", b"\xff\xfe secret secret\n"])
def test_no_password_is_wrong_usage(installation: Installation, stdin: str | bytes) -> None:
    """An empty standard input, or one that is no UTF-8, adds nobody."""
    result = installation.run("users", "add", "ada", stdin=stdin)
    assert result.exit_code == 2
    assert installation.run("users", "show", "ada").exit_code == 1


def test_nobody_is_asked_on_a_pipe(installation: Installation) -> None:
    """A question that nobody can answer is wrong usage, not a yes."""
    installation.must("keys", "rotate")
    result = installation.run("keys", "revoke", _only_kid(installation), stdin="y\n")
    assert result.exit_code == 2
    assert "--yes" in result.stderr


def _only_kid(installation: Installation) -> str:
    (row,) = json.loads(installation.must("keys", "list", "--json"))["items"]
    return str(row["kid"])
