"""The CSRF rule on a request: same origin, or a listed one; ``same-site`` is a stranger (WEB-06, A42)."""

import pytest
from starlette.requests import Request

from keyturn.errors import Forbidden
from keyturn.server import csrf
from keyturn.server.cors import LoopbackOrigins, Origins

ISSUER = "https://auth.example.com/path"
LISTED = Origins.of(["https://app.example.com"])

GOOD = [
    [("origin", "https://auth.example.com")],
    [("origin", "https://app.example.com")],
    [("sec-fetch-site", "same-origin")],
    [("origin", "https://app.example.com"), ("sec-fetch-site", "cross-site")],
]
BAD = [
    [("origin", "null")],
    [("origin", "https://evil.example")],
    [("origin", "http://auth.example.com")],
    [("origin", "https://auth.example.com:8443")],
    [("origin", "https://auth.example.com/path")],
    [("origin", "")],
    [("origin", "https://auth.example.com"), ("origin", "https://auth.example.com")],
    [("sec-fetch-site", "same-site")],
    [("sec-fetch-site", "none")],
    [("sec-fetch-site", "cross-site")],
    [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
    [("origin", "https://evil.example"), ("sec-fetch-site", "same-site")],
]


def request_with(headers: list[tuple[str, str]]) -> Request:
    """Return a request with these headers."""
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return Request({"type": "http", "method": "POST", "headers": raw})


@pytest.mark.parametrize("headers", GOOD)
def test_a_page_that_may_is_let_through(headers: list[tuple[str, str]]) -> None:
    """With a cookie alone, and with credentials of its own."""
    csrf.check(request_with(headers), issuer=ISSUER, origins=LISTED)
    csrf.check_if_browser(request_with(headers), issuer=ISSUER, origins=LISTED)


@pytest.mark.parametrize("headers", BAD)
def test_any_other_page_is_refused(headers: list[tuple[str, str]]) -> None:
    """A42: strangers, siblings, sandboxed frames, other ports, headers that are there twice."""
    for check in (csrf.check, csrf.check_if_browser):
        with pytest.raises(Forbidden):
            check(request_with(headers), issuer=ISSUER, origins=LISTED)


def test_no_header_at_all_is_no_page() -> None:
    """So a cookie alone does not do, and credentials of its own do."""
    csrf.check_if_browser(request_with([]), issuer=ISSUER, origins=LISTED)
    with pytest.raises(Forbidden):
        csrf.check(request_with([]), issuer=ISSUER, origins=LISTED)


def test_a_development_server_takes_this_machines_pages() -> None:
    """And no other server does."""
    request = request_with([("origin", "http://localhost:5173"), ("sec-fetch-site", "same-site")])

    assert csrf.allows(request, issuer="http://localhost:8080", origins=Origins.of([], LoopbackOrigins.ALLOWED))
    assert not csrf.allows(request, issuer="http://localhost:8080", origins=Origins.of([]))
