"""A form login goes on to a path of this host, and nowhere else (WEB-09, A53)."""

import pytest

from keyturn.errors import ValidationFailed
from keyturn.server.reading import return_path


@pytest.mark.parametrize(
    "path", ["/", "/orders", "/orders/7?tab=1#top", "/search?q=caf%C3%A9%20bar", "/a//b", "/a?b=https://x.y"]
)
def test_a_path_of_ours_is_taken(path: str) -> None:
    """With its query and its fragment."""
    assert return_path.check(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "orders",
        "https://evil.example",
        "https:evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%2fevil.example",
        "/%2Fevil.example",
        "/%252fevil.example",
        "/%5cevil.example",
        "/%255cevil.example",
        "/\t/evil.example",
        "/%09/evil.example",
        "/\n/evil.example",
        "/a\r\nSet-Cookie: a=b",
        "/a%0d%0aSet-Cookie:%20a=b",
        " /orders",
        "/ü",
        "javascript:alert(1)",
        "localhost:80@evil.example",
        "good@evil.example",
    ],
)
def test_what_a_browser_could_take_for_another_host_is_refused(path: str) -> None:
    """A53: as it stands, and decoded once or twice."""
    with pytest.raises(ValidationFailed):
        return_path.check(path)
