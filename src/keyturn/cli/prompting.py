"""What a command asks for: a password, twice on a terminal or as one line of standard input; a token; a yes."""

import sys
from typing import Final

import typer

from keyturn.core.password_rules import MAX_BYTES
from keyturn.tokens.jws import MAX_TOKEN_BYTES

MAX_LINE: Final = 4 * max(MAX_BYTES, MAX_TOKEN_BYTES)
"""Bytes of standard input that are looked at."""


def read_new_password() -> str:
    """Return a new password: typed twice on a terminal, else the first line of standard input.

    Raises:
        typer.BadParameter: there is no line, or it is not UTF-8.

    """
    if not sys.stdin.isatty():
        return _first_line("a password")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
    return password


def read_token(argument: str) -> str:
    """Return the token that *argument* is, or, where that is ``-``, the first line of standard input.

    Raises:
        typer.BadParameter: there is no line, or it is not UTF-8.

    """
    if argument != "-":
        return argument
    if not sys.stdin.isatty():
        return _first_line("a token")
    token: str = typer.prompt("Token", hide_input=True, err=True)
    return token.strip()


def confirm(question: str) -> None:
    """Go on only if whoever sits there says yes.

    Raises:
        typer.Abort: they do not.
        typer.BadParameter: nobody sits there.

    """
    if not sys.stdin.isatty():
        raise typer.BadParameter("Nobody is there to be asked: say --yes.")
    typer.confirm(question, abort=True, err=True)


def _first_line(what: str) -> str:
    data = sys.stdin.buffer.readline(MAX_LINE)
    try:
        line = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"Standard input is not UTF-8; {what} was expected.") from None
    if not line:
        raise typer.BadParameter(f"Standard input is empty; {what} was expected as one line.")
    return line
