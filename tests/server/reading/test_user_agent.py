"""A user agent is a family of browsers and one of systems; versions make no other device of it."""

import time

import pytest

from keyturn.server.reading.user_agent import families

MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("header", "browser", "system"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox", "Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36", "Chrome", "Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", "Edge", "Windows"),
        (f"{MAC} {WEBKIT} Chrome/142.0.0.0 Safari/537.36 OPR/125.0.0.0", "Opera", "macOS"),
        (f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15", "Safari", "macOS"),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {WEBKIT} CriOS/142.0 Mobile/15E148 Safari/604.1",
            "Chrome",
            "iOS",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 15; S921B) {WEBKIT} SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36",
            "Samsung Internet",
            "Android",
        ),
        (f"Mozilla/5.0 (X11; CrOS x86_64 16000.0.0) {WEBKIT} Chrome/142.0.0.0 Safari/537.36", "Chrome", "ChromeOS"),
        ("curl/8.15.0", "curl", "unknown"),
        ("python-requests/2.34.2", "Python", "unknown"),
        ("okhttp/5.1.0", "OkHttp", "unknown"),
        ("Orders/7 CFNetwork/1568.100.1 Darwin/24.0.0", "CFNetwork", "Apple"),
        ("Dart/3.9 (dart:io)", "Dart", "unknown"),
        ("", "unknown", "unknown"),
        ("something else", "unknown", "unknown"),
    ],
)
def test_the_families_of_what_is_in_use(header: str, browser: str, system: str) -> None:
    """What calls itself several browsers at once is the one it is."""
    assert families(header) == (browser, system)


def test_an_update_is_no_other_device() -> None:
    """Two versions of a browser are one family."""
    assert families("Mozilla/5.0 (X11) Firefox/145.0") == families("Mozilla/5.0 (X11) Firefox/146.0")


def test_a_long_header_costs_no_more_than_a_short_one() -> None:
    """What lies beyond 256 characters is not looked at."""
    began = time.thread_time()

    assert families("x" * 1_000_000 + " Firefox/145.0") == ("unknown", "unknown")
    assert time.thread_time() - began < 0.05
