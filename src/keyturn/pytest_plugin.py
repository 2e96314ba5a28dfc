"""Fixtures for the tests of an API that takes bearer tokens. No other module of ours loads before one is used.

``keyturn_attack`` makes one test of each attack that there is. A test module says what is attacked, and asks for it::

    @pytest.fixture(scope="module")
    def keyturn_attack_target():
        issuer = TestIssuer("https://auth.example.com", "https://api.example.com")
        with issuer.trusted_by(auth):
            yield Target.in_process(app, issuer, ["GET /orders"], scopes=["orders:read"])


    def test_hostile_tokens(keyturn_attack):
        keyturn_attack.check()
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from keyturn.attack.target import Target
    from keyturn.attack.testing import Attacks, AttackTest
    from keyturn.testing import TestIssuer


@pytest.fixture
def keyturn_issuer() -> "TestIssuer":
    """Return an issuer in memory, another one for each test."""
    from keyturn.testing import TestIssuer  # noqa: PLC0415 - pytest loads every plugin in every project

    return TestIssuer()


@pytest.fixture
def keyturn_make_token(keyturn_issuer: "TestIssuer") -> Callable[..., str]:
    """Return ``keyturn_issuer.make_token``."""
    return keyturn_issuer.make_token


@pytest.fixture(scope="module")
def keyturn_attack_target() -> "Target":
    """Return what ``keyturn_attack`` attacks: a test module has a fixture of this name, of its own."""
    raise pytest.UsageError("keyturn_attack: write a fixture keyturn_attack_target that returns a Target.")


@pytest.fixture(scope="module")
def _keyturn_attacks(keyturn_attack_target: "Target") -> "Iterator[Attacks]":
    from keyturn.attack.testing import Attacks  # noqa: PLC0415 - as above

    with Attacks(keyturn_attack_target) as attacks:
        yield attacks


@pytest.fixture
def keyturn_attack(request: pytest.FixtureRequest, _keyturn_attacks: "Attacks") -> "AttackTest":
    """Return one attack, another in each of the tests that this makes of one; ``check()`` plays it."""
    return _keyturn_attacks.case(request.param)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each case where ``keyturn_attack`` is asked for."""
    if "keyturn_attack" in metafunc.fixturenames:
        from keyturn.attack.testing import CASE_IDS  # noqa: PLC0415 - as above

        metafunc.parametrize("keyturn_attack", CASE_IDS, indirect=True)
