"""The options that many commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings to use; else ./keyturn.toml, else ./.keyturn/."),
]

NAMED_BY_ID: Final = {"ignore_unknown_options": True}
"""For commands whose argument is an id: one in 64 begins with a dash, and there are no one-letter options."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

UsernameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
