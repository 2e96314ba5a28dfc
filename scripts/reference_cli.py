"""Every command as its own ``--help`` tells it."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import typer

import pages
from keyturn.cli.commands import NOUNS, app


def page() -> str:
    """Return the page."""
    return pages.page("Command line", _INTRO, *_sections())


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command that does something by its whole name, such as ``keyturn users add``."""
    for noun in NOUNS:
        yield from _below(f"keyturn {noun}", typer.main.get_command(import_module(f"keyturn.cli.{noun}").app))


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - click's, in typer's copy
    verbs = getattr(command, "commands", None)
    if verbs is None:
        yield name, command
        return
    for verb, below in verbs.items():
        yield from _below(f"{name} {verb}", below)


def _sections() -> Iterator[str]:
    yield pages.block("text", _help("keyturn", typer.main.get_command(app)))
    for name, command in commands():
        yield f"## {name}"
        yield pages.block("text", _help(name, command))


def _help(name: str, command: Any) -> str:  # noqa: ANN401 - as above
    context = command.context_class(command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    lines = command.get_help(context).rstrip().splitlines()
    return "\n".join(line.rstrip() for line in lines)


WIDTH: Final = 100

_INTRO: Final = """\
Exit codes: 0 done; 1 the check or the action failed; 2 wrong usage or settings. Results go to standard output,
everything else to standard error. Every command that reads takes `--json`. A command that is given no settings, beside
a `./.keyturn/` that `keyturn dev` has made, works on that installation."""
