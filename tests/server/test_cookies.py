"""Our cookies: their names and attributes, by the issuer (WEB-04)."""

import pytest
from starlette.responses import Response

from keyturn.server.cookies import Cookies


@pytest.mark.parametrize(
    "issuer", ["https://auth.example.com", "https://localhost", "http://10.0.0.1", "http://[::1]:8080"]
)
def test_the_names_are_bound_to_the_host(issuer: str) -> None:
    """``__Host-`` and Secure, for every issuer that is not plain HTTP on this very machine."""
    cookies = Cookies.of(issuer, "strict")

    assert cookies.refresh == "__Host-keyturn_refresh"
    assert cookies.access == "__Host-keyturn_access"
    assert cookies.device == "__Host-keyturn_device"
    assert cookies.attributes == "Path=/; Secure; HttpOnly; SameSite=Strict"


@pytest.mark.parametrize("issuer", ["http://localhost:8080", "http://127.0.0.1", "http://localhost/auth"])
def test_plain_http_on_this_machine_goes_without(issuer: str) -> None:
    """Browsers take no Secure cookie there; the name differs, so that it never passes for a real one."""
    cookies = Cookies.of(issuer, "lax")

    assert (cookies.refresh, cookies.access, cookies.device) == ("keyturn_refresh", "keyturn_access", "keyturn_device")
    assert cookies.attributes == "Path=/; HttpOnly; SameSite=Lax"


def test_a_cookie_never_lives_backwards() -> None:
    """A session that ends this very second is kept for none."""
    cookies, response = Cookies.of("https://auth.example.com", "strict"), Response()

    cookies.set(response, cookies.refresh, "value", max_age=-1)

    assert response.headers["set-cookie"] == (
        "__Host-keyturn_refresh=value; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict"
    )
