"""The command ``keyturn``: the one of the server, or what to install to have it."""

import importlib.util
import sys


def main() -> None:
    """Run the command line; exit 2 where the server's dependencies are not installed."""
    if importlib.util.find_spec("typer") is None:
        sys.stderr.write("The keyturn commands come with the server: pip install 'keyturn[server]'\n")
        sys.exit(2)
    from keyturn.cli import main as run  # noqa: PLC0415 - an API that only verifies has no typer

    run()


if __name__ == "__main__":
    main()
