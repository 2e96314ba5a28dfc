"""Where the token of a request is looked for."""

from collections.abc import Sequence

import pytest

from keyturn.errors import ConfigurationError, Forbidden, InvalidRequest, MissingToken
from keyturn.verify.credentials import WEBSOCKET, HeaderValues, token_reader

ISSUER = "https://auth.example.com"
COOKIE = "__Host-keyturn_access=abc"


def values(**headers: str | Sequence[str]) -> HeaderValues:
    """Return the headers of a request."""
    named = {name.replace("_", "-"): [value] if isinstance(value, str) else value for name, value in headers.items()}
    return lambda name: named.get(name, [])


def test_the_header_reader_never_sees_a_cookie() -> None:
    """WEB-02: the Authorization header alone."""
    reader = token_reader("header", issuer=ISSUER)
    assert reader.read("POST", values(authorization="Bearer abc")) == "abc"
    with pytest.raises(MissingToken):
        reader.read("GET", values(cookie=COOKIE))


def test_a_refused_text_without_the_form_of_a_token_was_a_malformed_header() -> None:
    """WEB-01: RFC 6750 §3.1 tells a bad request from a bad token; what a cookie holds is always the latter."""
    header, cookie = (token_reader(place, issuer=ISSUER) for place in ("header", "cookie"))
    for text in ("", "a b", "a,b", "a.b.c\n", "\xe4", "a=b"):
        with pytest.raises(InvalidRequest):
            header.check_refused(text)
        cookie.check_refused(text)
    for text in ("a.b.c", "-._~+/", "a=="):
        header.check_refused(text)


def test_the_cookie_reader_never_sees_a_header() -> None:
    """One place, and no second one to fall back on."""
    with pytest.raises(MissingToken):
        token_reader("cookie", issuer=ISSUER).read("GET", values(authorization="Bearer abc"))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY", "get", WEBSOCKET])
def test_a_cookie_needs_the_csrf_rule_for_what_may_change_things(method: str) -> None:
    """WEB-06, A42: a WebSocket handshake too, which browsers send across sites."""
    reader = token_reader("cookie", issuer=ISSUER, allowed_origins=["https://app.example.com"])
    for allowed in ({"origin": ISSUER}, {"origin": "https://app.example.com"}, {"sec_fetch_site": "same-origin"}):
        assert reader.read(method, values(cookie=COOKIE, **allowed)) == "abc"
    for refused in ({}, {"origin": "null"}, {"origin": "https://evil.example"}, {"sec_fetch_site": "same-site"}):
        with pytest.raises(Forbidden):
            reader.read(method, values(cookie=COOKIE, **refused))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_cookie_alone_may_read(method: str) -> None:
    """A safe method changes nothing."""
    assert token_reader("cookie", issuer=ISSUER).read(method, values(cookie=COOKIE)) == "abc"


def test_a_cookie_sent_twice_is_refused() -> None:
    """WEB-05, A43."""
    with pytest.raises(InvalidRequest):
        token_reader("cookie", issuer=ISSUER).read("GET", values(cookie=[COOKIE, COOKIE]))


@pytest.mark.parametrize(("place", "origins"), [("query", ()), ("", ()), ("Header", ()), ("cookie", "https://a.test")])
def test_there_are_two_places(place: str, origins: Sequence[str]) -> None:
    """WEB-02: no query, no form; and a lone string is no list of origins."""
    with pytest.raises(ConfigurationError):
        token_reader(place, issuer=ISSUER, allowed_origins=origins)
