"""Every command: a table of the nouns. A noun's module is imported only when the command line names it.

So ``keyturn --help`` and the shell's completion of nouns cost no server. Errors become exit codes here and nowhere
else: `ConfigurationError` is 2, every other `KeyturnError` 1, each with its sentence on standard error.
"""

from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from keyturn import __version__
from keyturn.errors import ConfigurationError, KeyturnError

NOUNS: Final = {
    "dev": "Run a development server, without any configuration.",
    "serve": "Run the authorization server.",
    "init": "Write a keyturn.toml with every setting, and a master key file.",
    "config": "Show and check the settings.",
    "db": "Create the database, upgrade its schema, copy it into another one.",
    "users": "Add, list and change the users.",
    "sessions": "List and end sessions.",
    "keys": "List, rotate and revoke signing keys; seal them under another master key.",
    "token": "Inspect and revoke tokens.",
    "audit": "Read the audit log, and verify that nobody has changed it.",
    "doctor": "Audit settings, keys, database and a running issuer.",
    "attack": "Attack an API that takes bearer tokens, and report what it takes.",
    "bench": "Measure what this machine can do.",
}

FAILED: Final = 1
WRONG_USAGE: Final = 2


class _Deferred(TyperCommand):
    """A noun that is known by name and line alone, until it is to be run."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:  # noqa: ANN401
        """Import the noun's module and let its own command read *args*."""
        app = _import_app(str(self.name))
        return typer.main.get_command(app).make_context(info_name, args, parent=parent, **extra)


class _Root(TyperGroup):
    """The command ``keyturn`` itself."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401
        super().__init__(**attributes)
        self.commands = {noun: _deferred(noun, line) for noun, line in NOUNS.items()}

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run the command; an error of ours ends it with its sentence."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            _fail(error, WRONG_USAGE)
        except KeyturnError as error:
            _fail(error, FAILED)


def noun(name: str, *lines: str) -> typer.Typer:
    """Return the app that a noun's module hangs its verbs on; *lines* are the examples of a noun with several."""
    return typer.Typer(
        help=NOUNS[name], epilog=examples(*lines), no_args_is_help=True, rich_markup_mode=None, add_completion=False
    )


def examples(*lines: str) -> str:
    """Return the end of a help page: *lines* as they are to be typed."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


app = typer.Typer(
    cls=_Root,
    no_args_is_help=True,
    rich_markup_mode=None,  # what rich needs for a help page takes longer to import than all the rest
    pretty_exceptions_enable=False,
    epilog=examples("keyturn dev", "keyturn users add alice --role admin", "keyturn sessions end --user alice"),
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"keyturn {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Keyturn: sign users in once, and accept their tokens everywhere."""


def _import_app(name: str) -> typer.Typer:
    """Return the app of a noun.

    Raises:
        ConfigurationError: only a part of what a server needs is installed, as beside FastAPI's own command line.

    """
    try:
        app: typer.Typer = import_module(f"keyturn.cli.{name}").app
    except ModuleNotFoundError as error:
        if str(error.name).startswith("keyturn"):
            raise
        raise ConfigurationError(f"{error.name} is not installed: pip install 'keyturn[server]'") from None
    return app


def _deferred(noun: str, line: str) -> _Deferred:
    return _Deferred(name=noun, help=line, rich_markup_mode=None)


def _fail(error: KeyturnError, code: int) -> None:
    from keyturn.cli.output import complain  # noqa: PLC0415 - rich is for those who have something to print

    complain(str(error))
    raise typer.Exit(code) from None
