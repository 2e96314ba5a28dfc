"""Fixtures for the tests of an API that accepts Keyturn's tokens. No other module of ours loads before one is used."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
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
