"""Lists by the page: ``{"items": […], "next": cursor}``. A cursor is the key of the last item, wrapped up.

What is added or deleted meanwhile moves nothing: the next page begins behind a key, not behind a number of items.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keyturn.errors import InvalidRequest
from keyturn.server.reading.parameters import check_names, read_number, read_text
from keyturn.tokens import base64url

T = TypeVar("T")

DEFAULT: Final = 50
MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What part of a list is asked for.

    Attributes:
        after: the key behind which it begins; empty for the beginning of the list.
        limit: how many items at most.

    """

    after: str
    limit: int

    @property
    def most(self) -> int:
        """How many to look for: one more tells whether there is a next page."""
        return self.limit + 1


def read_page(request: Request, *filters: str) -> Page:
    """Return the page that ``limit`` and ``cursor`` ask for; *filters* are the other parameters that the list knows.

    Raises:
        InvalidRequest: one of the two is malformed or there twice, or there is a parameter that the list does not know.

    """
    check_names(request, ("limit", "cursor", *filters))
    limit = read_number(request, "limit", least=1, most=MOST, default=DEFAULT)
    cursor = read_text(request, "cursor")
    return Page(after="" if cursor is None else _unwrapped(cursor), limit=limit)


def answer(found: Sequence[T], page: Page, *, show: Callable[[T], dict[str, Any]], key: Callable[[T], str]) -> Response:
    """Return *found*, which `Page.most` bounds, as the answer to who asked for *page*."""
    items = found[: page.limit]
    following = key(items[-1]) if len(found) > page.limit else None
    return answer_going_on([show(item) for item in items], following)


def answer_going_on(items: Sequence[dict[str, Any]], following: str | None) -> Response:
    """Return *items* as the answer; the next page begins behind the key *following*, None on the last one."""
    return JSONResponse({"items": items, "next": None if following is None else _wrapped(following)})


def refusal() -> InvalidRequest:
    """Return what is raised for a cursor that was not handed out here."""
    return InvalidRequest("a cursor", sentence="The cursor is none that was handed out here.")


def _wrapped(key: str) -> str:
    return base64url.encode(key.encode())


def _unwrapped(cursor: str) -> str:
    try:
        key = base64url.decode(cursor).decode()
    except ValueError:
        raise refusal() from None
    if "\0" in key:
        raise refusal()
    return key
