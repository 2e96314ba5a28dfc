"""The gate around a verifier that is in the same process."""

from typing import Any

from keyturn.testing import TestIssuer
from keyturn.tokens.access_token import AccessToken, Expected
from keyturn.tokens.algorithms import ASYMMETRIC
from keyturn.verify.gate import Gate


class InProcess:
    """Verifies without following anything."""

    def __init__(self) -> None:
        issuer = TestIssuer()
        self.expected = Expected(
            issuer=issuer.issuer, audiences=frozenset({issuer.audience}), algorithms=frozenset(ASYMMETRIC)
        )

    async def verify_async(self, text: str, *, on_stale: str | None = None) -> AccessToken:
        """Is never asked here."""
        raise AssertionError(text)


async def test_what_is_in_process_follows_nothing() -> None:
    """The lifespan of an app begins and ends, once each."""
    verifier: Any = InProcess()
    ran = []
    async with Gate.around(verifier).lifespan():
        ran.append("app")
    assert ran == ["app"]
