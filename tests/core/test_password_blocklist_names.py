import pytest

from keyturn.core import password_blocklist


@pytest.mark.parametrize(
    ("place", "host"),
    [
        ("https://auth.example.com/x", "auth.example.com"),
        ("orders-api", "orders-api"),
        ("http://[no-address/", "http://[no-address/"),
        ("", ""),
    ],
)
def test_an_audience_that_is_no_url_is_a_name_itself(place: str, host: str) -> None:
    """PWD-03: whatever an operator calls a resource, a new password can be judged."""
    assert password_blocklist._host(place) == host


def test_what_is_in_every_name_names_nothing() -> None:
    """PWD-03: a password that holds ``www`` or ``org`` names no service."""
    assert sorted(password_blocklist._EVERYWHERE) == "api app com http https localhost net org www".split()  # noqa: SIM905 - easier to read
