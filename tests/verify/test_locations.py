"""Where keys may come from."""

import pytest

from keyturn.errors import ConfigurationError
from keyturn.verify.locations import Transport, check_issuer, check_location, is_loopback, key_set_location


@pytest.mark.parametrize(
    "url",
    [
        "https://auth.example.com",
        "https://auth.example.com:8443/tenant/",
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://127.8.9.1:80",
        "http://[::1]:8080/x",
        "https://10.0.0.7",
    ],
)
def test_https_and_loopback_are_fine(url: str) -> None:
    """KEY-08: the configured issuer may be private."""
    assert check_issuer(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://auth.example.com",
        "http://localhost.evil.com",
        "http://127.0.0.1.evil.com",
        "http://localhost:80@evil.com",
        "https://user@auth.example.com",
        "https://good.example\\@evil.com",
        "http://0.0.0.0",
        "http://169.254.169.254/latest",
        "http://[::ffff:10.0.0.1]",
        "file:///etc/passwd",
        "data:application/json,{}",
        "ftp://auth.example.com",
        "//auth.example.com",
        "auth.example.com",
        "https://",
        "https://auth.example.com#x",
        "https://auth.example.com?x=1",
        "https://auth.example.com/ x",
        "https://auth.example.com\n",
        "https://a.example:99999",
        "https://a.example:0",
        "https://[::1",
        "https://exämple.com",
        "",
        None,
        7,
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    """KEY-08, A53, OPS-06."""
    with pytest.raises(ConfigurationError):
        check_issuer(url)


def test_plain_http_beyond_this_machine_has_to_be_asked_for() -> None:
    """OPS-06: what is unsafe says ``danger``."""
    assert check_location("http://auth.internal", name="issuer", transport=Transport.ANY)


def test_the_key_set_is_below_the_issuer() -> None:
    """With or without a slash at the end of the issuer."""
    assert key_set_location("https://a.example/t/") == key_set_location("https://a.example/t")
    assert key_set_location("https://a.example/t") == "https://a.example/t/.well-known/jwks.json"


@pytest.mark.parametrize("host", ["", "a.example", "127.0.0.1.example", "localhost.example", "128.0.0.1"])
def test_another_host_is_not_this_machine(host: str) -> None:
    """KEY-08: a name is never resolved to find out."""
    assert is_loopback(host) is False
