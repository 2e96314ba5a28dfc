"""Which origins may call us: those on the list, to the letter (WEB-08)."""

import pytest

from keyturn.server.cors import LoopbackOrigins, Origins

LISTED = Origins.of(["https://app.example.com"])
DEV = Origins.of([], LoopbackOrigins.ALLOWED)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example.com", True),
        ("http://app.example.com", False),
        ("https://app.example.com:443", False),
        ("https://app.example.com.evil.example", False),
        ("https://evil-app.example.com", False),
        ("https://APP.example.com", False),
        ("null", False),
        ("*", False),
        ("", False),
        ("http://localhost:3000", False),
    ],
)
def test_only_what_is_listed_is_allowed(origin: str, allowed: bool) -> None:
    """No prefix, no suffix, no other port, and never ``null``."""
    assert LISTED.allows(origin) is allowed


def test_null_is_never_allowed() -> None:
    """A42: not even if somebody lists it; any sandboxed frame sends it."""
    assert not Origins.of(["null"]).allows("null")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost", True),
        ("http://localhost:3000", True),
        ("https://localhost:8443", True),
        ("http://127.0.0.1:5173", True),
        ("http://[::1]:5173", True),
        ("http://localhost.evil.example", False),
        ("http://localhost@evil.example", False),
        ("http://evil.example#localhost", False),
        ("http://localhost:80@evil.example", False),
        ("http://localhost:99999", False),
        ("http://localhost/", False),
        ("http://[::1", False),
        ("ftp://localhost", False),
        ("null", False),
    ],
)
def test_a_development_server_allows_this_machine(origin: str, allowed: bool) -> None:
    """Any port of this machine, and nothing that only looks like it (A53)."""
    assert DEV.allows(origin) is allowed
