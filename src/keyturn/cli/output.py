"""What a command prints: tables for people, JSON for programs, and on standard error what is neither.

Names and descriptions of devices are what somebody typed. Here they can't colour a terminal, move its cursor or
split a line: whatever can't be seen is printed as its escape.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its *title*, the member of each row that it shows, and how and where that is written.

    One that is kept ``whole`` is never broken over two lines: an id is there to be copied.
    """

    title: str
    key: str
    write: Callable[[Any], str] = str
    justify: Literal["left", "right"] = "left"
    narrow: Literal["fold", "whole"] = "fold"


def print_json(value: Mapping[str, Any]) -> None:
    """Print *value* as one JSON object, in ASCII."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def print_table(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """Print *rows*; nothing is cut off: on a narrow terminal a cell goes over several lines."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.title, overflow="fold", justify=column.justify, no_wrap=column.narrow == "whole")
    for row in rows:
        table.add_row(*(Text(_written(row[column.key], column)) for column in columns))
    print_lines(table)


def print_facts(row: Row, columns: Sequence[Column]) -> None:
    """Print one thing, a line a fact."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for column in columns:
        table.add_row(Text(column.title), Text(_written(row[column.key], column)))
    print_lines(table)


def say(text: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(f"{printable(text)}\n")


def note(text: str) -> None:
    """Print a line beside the result, on standard error."""
    sys.stderr.write(f"{printable(text)}\n")


def complain(sentence: str) -> None:
    """Print what went wrong, on standard error: one sentence, or several, a line each."""
    lines = sentence.splitlines()
    if len(lines) == 1:
        note(f"Error: {sentence}")
        return
    note("Errors:")
    for line in lines:
        note(f"  {line}")


def working(description: str) -> AbstractContextManager[object]:
    """Show that something goes on, where somebody watches; nothing stays on the screen."""
    console = Console(stderr=True)
    return console.status(description) if console.is_terminal else nullcontext()


def printable(text: str) -> str:
    """Return *text* with every character that can't be seen as its escape (ANSI sequences, line breaks, bidi marks)."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def moment(second: int | None) -> str:
    """Return an epoch second as people write it, in UTC; as it is, if no calendar has it."""
    if second is None:
        return _NONE
    try:
        instant = datetime.fromtimestamp(second, UTC)
    except (ValueError, OverflowError, OSError):
        return str(second)
    return instant.strftime("%Y-%m-%d %H:%M:%SZ")


def counted(number: int, thing: str) -> str:
    """Return how many of a *thing* there are, as people say it."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def listed(values: Sequence[str]) -> str:
    """Return *values* with commas between them."""
    return ", ".join(values) or _NONE


def optional(value: object) -> str:
    """Return *value*, or a dash where there is none."""
    return _NONE if value is None else str(value)


def print_lines(table: Table) -> None:
    """Print *table*; into a file or a pipe without the blanks that fill its lines up to the last column's width."""
    console = result_console()
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _written(value: Any, column: Column) -> str:  # noqa: ANN401 - whatever the row holds
    return printable(column.write(value))


def result_console() -> Console:
    """Return standard output, as wide as the terminal; where there is none, so wide that no line wraps."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDEST)


_NONE: Final = "-"
_WIDEST: Final = 10_000
