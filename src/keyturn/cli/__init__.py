"""The command ``keyturn``: one file a noun, each imported when somebody names it."""

import io
import sys

from keyturn.cli.commands import app


def main() -> None:
    """Run the command line and exit: 0 done, 1 a check or an action failed, 2 wrong usage or settings."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Unicode shows escapes
    app(prog_name="keyturn")
