"""What may be sent at all."""

import pytest

from keyturn.attack.budget import Budget, BudgetSpent, host_of
from keyturn.errors import ConfigurationError


def test_the_budget_is_never_passed() -> None:
    """As many requests as were allowed, and then none."""
    budget = Budget(["a.test"], max_requests=2)
    budget.take()
    budget.take()
    with pytest.raises(BudgetSpent):
        budget.take()
    assert budget.sent == 2


@pytest.mark.parametrize("url", ["http://a.test", "https://A.test:8443/x", "http://a.test?x"])
def test_a_named_host_may_be_asked(url: str) -> None:
    """At any port, in any letters."""
    Budget(["A.test"]).check_host(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://b.test",
        "http://a.test.b.test",
        "http://xa.test",
        "http://a.test@b.test",
        "http://b.test@a.test",
        "http://b.test#a.test",
        "http://b.test\\@a.test",
        "http://a.test.",
        "ftp://a.test",
        "//a.test",
        "a.test",
        "http://[a.test",
        "",
    ],
)
def test_another_host_is_refused(url: str) -> None:
    """Names are compared whole, and a URL that can be read in two ways has none."""
    with pytest.raises(ConfigurationError):
        Budget(["a.test"]).check_host(url)


def test_a_host_that_is_no_url_is_none() -> None:
    """Nothing is guessed."""
    assert host_of("http://") == host_of("mailto:a@a.test") == ""


def test_requests_keep_their_distance() -> None:
    """Ten a second are a tenth of a second apart, however fast the answers come."""
    now = 100.0
    budget = Budget(["a.test"], per_second=10)
    waits = [budget.wait(lambda: now) for _ in range(3)]
    assert waits == pytest.approx([0, 0.1, 0.2])
    assert budget.wait(lambda: 200.0) == 0


def test_without_a_rate_nothing_waits() -> None:
    """That is for targets of one's own."""
    budget = Budget(["a.test"])
    assert [budget.wait(lambda: 1.0) for _ in range(3)] == [0, 0, 0]
