"""What holds for every command."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import typer
from cli_world import Run, plain_environment

from keyturn.cli.commands import NOUNS

HEAVY = (
    "rich",
    "pydantic",
    "starlette",
    "uvicorn",
    "structlog",
    "argon2",
    "sqlite3",
    "keyturn.server",
    "keyturn.store",
)


def test_help_names_every_noun(keyturn: Run) -> None:
    """``keyturn --help`` names every noun with its line."""
    shown = keyturn("--help").stdout
    assert all(noun in shown for noun in NOUNS)


def test_help_loads_no_server() -> None:
    """``keyturn --help`` imports nothing that only a command needs (P10)."""
    loaded = f"[name for name in {HEAVY!r} if name in sys.modules]"
    script = f"import sys; from keyturn.cli import main\ntry: main()\nfinally: assert not {loaded}, {loaded}"
    subprocess.run([sys.executable, "-c", script, "--help"], check=True, capture_output=True)


@pytest.mark.slow
def test_help_is_quick() -> None:
    """``keyturn --help`` takes less than 0.3 s of a core (P10)."""
    assert min(_seconds_of_help() for _ in range(5)) < 0.3


def test_every_command_has_an_example(keyturn: Run) -> None:
    """The help page of every command ends in an example that begins with the command itself."""
    for path in _commands():
        shown = keyturn(*path, "--help")
        assert shown.exit_code == 0
        assert f"keyturn {' '.join(path)}" in shown.stdout.partition("Examples:")[2]


@pytest.mark.parametrize(
    "path",
    [["frobnicate"], ["users", "frobnicate"], ["users", "add"], ["users", "list", "--nope"], ["dev", "--port", "x"]],
)
def test_wrong_usage(keyturn: Run, path: list[str]) -> None:
    """Wrong usage ends with exit code 2 and a sentence on standard error."""
    result = keyturn(*path)
    assert result.exit_code == 2
    assert "Error" in result.stderr
    assert not result.stdout


def test_settings_are_refused_without_a_traceback(keyturn: Run) -> None:
    """A command without usable settings ends with exit code 2 and names the setting."""
    result = keyturn("users", "list")
    assert result.exit_code == 2
    assert "keys.master_key" in result.stderr
    assert "Traceback" not in result.output


def test_a_part_of_the_server_is_not_the_server() -> None:
    """Where only some of a server's dependencies are installed, a command says what to install."""
    script = "import sys; sys.modules['argon2'] = None; from keyturn.cli import main; main()"
    command = [sys.executable, "-c", script, "users", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "Error: argon2 is not installed: pip install 'keyturn[server]'\n"


def test_python_m_keyturn_is_keyturn() -> None:
    """``python -m keyturn`` is the same program, under the same name."""
    done = subprocess.run([sys.executable, "-m", "keyturn", "--help"], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("Usage: keyturn ")


def test_a_terminal_without_unicode() -> None:
    """Where the terminal has no Unicode, escapes are shown, and nothing fails."""
    command = [sys.executable, "-m", "keyturn", "users", "list", "--config", "ü.toml"]
    environment = plain_environment() | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "\\xfc.toml" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_told(keyturn: Run) -> None:
    """``--version`` prints one line."""
    assert keyturn("--version").stdout.startswith("keyturn 0")


@pytest.mark.parametrize(
    ("words", "expected"), [("keyturn u", "users"), ("keyturn users r", "roles"), ("keyturn keys list --j", "--json")]
)
def test_the_shell_completes(words: str, expected: str) -> None:
    """Nouns, verbs and options are completed by the shell."""
    environment = plain_environment() | {
        "_KEYTURN_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "keyturn"], env=environment, capture_output=True, text=True, check=False
    )
    assert expected in done.stdout.split()


def _commands() -> Iterator[tuple[str, ...]]:
    for noun in NOUNS:
        yield (noun,)
        command: Any = typer.main.get_command(import_module(f"keyturn.cli.{noun}").app)
        yield from ((noun, verb) for verb in getattr(command, "commands", ()))


def _seconds_of_help() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "keyturn", "--help"], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
