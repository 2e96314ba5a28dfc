"""Lists by the page: every item once, whatever its key is."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from keyturn.server.reading import paging

KEYS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1), unique=True)


@given(keys=KEYS, limit=st.integers(1, 20))
def test_all_pages_together_are_the_list(keys: Sequence[str], limit: int) -> None:
    """Also where a page is full at the end of the list, and for a key of any text that a database holds."""
    listed = sorted(keys)
    seen: list[str] = []
    query = f"limit={limit}"
    while True:
        page = paging.read_page(_request(query))
        found = [key for key in listed if key > page.after][: page.most]
        body = _body(found, page)
        assert len(body["items"]) <= limit
        seen += [item["key"] for item in body["items"]]
        if body["next"] is None:
            break
        query = f"limit={limit}&cursor={body['next']}"
    assert seen == listed


def test_the_default_is_fifty() -> None:
    """Without parameters a page begins at the beginning."""
    page = paging.read_page(_request(""))
    assert (page.after, page.limit, page.most) == ("", 50, 51)


def _request(query: str) -> Request:
    return Request({"type": "http", "headers": [], "query_string": query.encode()})


def _body(found: list[str], page: paging.Page) -> Any:
    response = paging.answer(found, page, show=lambda key: {"key": key}, key=lambda key: key)
    return json.loads(bytes(response.body))
