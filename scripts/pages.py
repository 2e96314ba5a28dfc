"""The few pieces of Markdown that the reference is made of."""

from collections.abc import Iterable, Sequence


def page(title: str, *parts: str) -> str:
    """Return a whole page: its title, the line that says where it comes from, and its parts."""
    return "\n\n".join((f"# {title}", _ORIGIN, *(part.strip("\n") for part in parts if part))) + "\n"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; empty without rows."""
    lines = [_row(cells) for cells in rows]
    return "\n".join((_row(titles), _row(["---"] * len(titles)), *lines)) if lines else ""


def code(text: object) -> str:
    """Return *text* as code; an empty text stays empty."""
    return f"`{text}`" if str(text) else ""


def block(language: str, text: str) -> str:
    """Return *text* as a block of code."""
    return f"```{language}\n{text}\n```"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


_ORIGIN = "<!-- Made by `make docs` from the code. -->"
