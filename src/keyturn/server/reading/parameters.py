"""The parameters of a URL: ids in its path, and what stands in its query, each at most once (RFC 6749 §3.1)."""

import re
from collections.abc import Collection
from typing import Final

from starlette.requests import Request

from keyturn.errors import InvalidRequest, NotFound


def read_id(request: Request, name: str) -> str:
    """Return the id that the path has as *name*.

    Raises:
        NotFound: it has characters that no id has, and that not every database takes.

    """
    value: str = request.path_params[name]
    if not value.isprintable():
        raise NotFound("an odd id")
    return value


def check_names(request: Request, known: Collection[str]) -> None:
    """Take a query only if every parameter of it is *known*: a filter that was misspelt must not mean no filter.

    Raises:
        InvalidRequest: one is not.

    """
    if not set(request.query_params) <= set(known):
        raise InvalidRequest("an unknown parameter", sentence=f"The parameters here are: {', '.join(known)}.")


def read_text(request: Request, name: str) -> str | None:
    """Return the parameter *name* of the query; None if it is not there.

    Raises:
        InvalidRequest: it is empty, is there twice, or has a NUL in it.

    """
    values = request.query_params.getlist(name)
    if not values:
        return None
    if len(values) > 1:
        raise InvalidRequest("a parameter twice", sentence=f"The parameter {name} is there more than once.")
    if not values[0] or "\0" in values[0]:
        raise InvalidRequest("an odd parameter", sentence=f"The parameter {name} is empty or malformed.")
    return values[0]


def read_number(request: Request, name: str, *, least: int, most: int, default: int) -> int:
    """Return the parameter *name* of the query, a whole number in decimal digits; *default* if it is not there.

    Raises:
        InvalidRequest: it is no such number, or is there twice.

    """
    text = read_text(request, name)
    if text is None:
        return default
    if _NUMBER.fullmatch(text) is None or not least <= int(text) <= most:
        raise InvalidRequest("a number", sentence=f"The parameter {name} is a whole number from {least} to {most}.")
    return int(text)


#: So many digits that every limit fits, and so few that no text is expensive to read.
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
