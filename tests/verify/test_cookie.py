"""Cookies to the byte, and the CSRF rule of every method."""

import pytest

from keyturn.errors import InvalidRequest
from keyturn.verify.cookie import (
    access_cookie_name,
    csrf_allows,
    csrf_allows_or_absent,
    find_cookie,
    origin_of,
    parse_cookies,
)

NAME = "__Host-keyturn_access"
OWN = "https://auth.example.com"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([f"{NAME}=abc"], "abc"),
        ([f"a=1; {NAME}=abc; b=2"], "abc"),
        ([f"a=1;{NAME}=abc"], "abc"),
        (["a=1", f"{NAME}=abc"], "abc"),
        ([f"{NAME}=a=b="], "a=b="),
        ([], None),
        (["other=1"], None),
    ],
)
def test_a_cookie_is_found_by_its_exact_name(values: list[str], expected: str | None) -> None:
    """Wherever it stands, and however the headers are split."""
    assert find_cookie(values, NAME) == expected


@pytest.mark.parametrize(
    "pair",
    [
        f" {NAME}=x",
        f"{NAME} =x",
        f"\t{NAME}=x",
        f"\u2000{NAME}=x",
        f"\x85{NAME}=x",
        f"\xa0{NAME}=x",
        f"{NAME}\x00=x",
        f"={NAME}=x",
        NAME,
        NAME.lower() + "=x",
        f'$Version=1, {NAME}="x"',
        f"$Version=1; $Path=/; \x0b{NAME}=x",
        f'"{NAME}"=x',
    ],
)
def test_a_name_that_only_resembles_ours_is_not_ours(pair: str) -> None:
    """WEB-05, A43: what other parsers fold into our name stays somebody else's."""
    assert find_cookie([f"a=1; {pair}"], NAME) is None


@pytest.mark.parametrize("values", [[f"{NAME}=a; {NAME}=b"], [f"{NAME}=a", f"{NAME}=a"], [f"{NAME}=a; {NAME}="]])
def test_a_cookie_sent_twice_is_refused(values: list[str]) -> None:
    """WEB-05, A43: somebody tossed one of them, and nobody can tell which."""
    with pytest.raises(InvalidRequest):
        find_cookie(values, NAME)


def test_parsed_cookies_keep_every_value() -> None:
    """What is there twice can be seen to be."""
    assert parse_cookies(["a=1; b=2", "a=3; =4; five"]) == {"a": ["1", "3"], "b": ["2"]}


@pytest.mark.parametrize(
    ("issuer", "name"),
    [
        ("https://auth.example.com", NAME),
        ("https://localhost", NAME),
        ("http://localhost:8080", "keyturn_access"),
        ("http://127.0.0.1", "keyturn_access"),
        ("http://127.0.0.2", NAME),
        ("http://localhost.evil.com", NAME),
        ("http://auth.internal", NAME),
    ],
)
def test_only_a_local_plain_http_issuer_goes_without_the_host_prefix(issuer: str, name: str) -> None:
    """WEB-04."""
    assert access_cookie_name(issuer) == name


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Auth.Example.com/tenant/", "https://auth.example.com"),
        ("https://a.example:443/x", "https://a.example"),
        ("https://a.example:8443", "https://a.example:8443"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    """RFC 6454 §6.2: no path, no default port, lower case."""
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("origins", "fetch_sites", "allowed"),
    [
        ([], ["same-origin"], True),
        ([OWN], [], True),
        ([OWN], ["cross-site"], True),
        (["https://app.example.com"], ["same-site"], True),
        (["https://evil.example"], [], False),
        (["https://evil.example"], ["same-site"], False),
        (["null"], [], False),
        ([], ["same-site"], False),
        ([], ["cross-site"], False),
        ([], ["none"], False),
        ([], ["Same-Origin"], False),
        ([], ["same-origin", "cross-site"], False),
        ([OWN, "https://evil.example"], [], False),
        ([OWN + "/"], [], False),
        ([OWN + ".evil.example"], [], False),
        (["http://auth.example.com"], [], False),
        ([""], [], False),
    ],
)
def test_a_cookie_alone_counts_only_from_our_own_pages(
    origins: list[str], fetch_sites: list[str], allowed: bool
) -> None:
    """WEB-06, A42: same origin, or an Origin that is ours or listed; ``same-site`` is untrusted."""
    listed = {"https://app.example.com", "null", ""} - {""}
    arguments = {"origins": origins, "fetch_sites": fetch_sites, "own_origin": OWN, "allowed_origins": listed}
    assert csrf_allows(**arguments) is allowed
    assert csrf_allows_or_absent(**arguments) is allowed


def test_only_what_carries_its_own_credentials_may_lack_both_headers() -> None:
    """WEB-07, A42: a login from no browser is fine, a cookie from none is not."""
    assert not csrf_allows(origins=[], fetch_sites=[], own_origin=OWN)
    assert csrf_allows_or_absent(origins=[], fetch_sites=[], own_origin=OWN)


def test_a_second_sec_fetch_site_says_nothing_whatever_the_origin_says() -> None:
    """A42: a header that is there twice was written by two, and one of them may be a stranger."""
    ours = "https://auth.example.com"
    assert csrf_allows(origins=[ours], fetch_sites=["same-site"], own_origin=ours)
    for sites in (["same-origin", "same-origin"], ["same-site", "cross-site"]):
        assert not csrf_allows(origins=[ours], fetch_sites=sites, own_origin=ours)


def test_an_origin_has_no_default_port_and_no_host_that_is_not_there() -> None:
    """RFC 6454 §6.2: 80 and 443 go without saying, any other port does not."""
    assert origin_of("http://a.example:80/x") == "http://a.example"
    assert origin_of("https://a.example:443") == "https://a.example"
    assert origin_of("http://a.example:443") == "http://a.example:443"
    assert origin_of("https://a.example:81") == "https://a.example:81"
    assert origin_of("https:///path") == "https://"
