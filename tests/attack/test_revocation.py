"""How soon a revoked token is refused."""

import time

from attack_world import CHALLENGE, Api, Asked, Said, attack, takes

from keyturn.attack.material import read_token
from keyturn.attack.model import Verdict
from keyturn.testing import TestIssuer


async def played(issuer: TestIssuer, *, late: float, bound: float) -> tuple[Verdict, str]:
    """Revoke at an API that hears of it *late* seconds later."""
    revoked: dict[str, float] = {}
    app = takes(issuer)

    def answer(asked: Asked) -> Said:
        known = revoked.get(asked.token)
        gone = known is not None and time.monotonic() - known > late
        return Said(status=401, headers=CHALLENGE) if gone else app(asked)

    async def revoke(token: str) -> None:
        assert read_token(token)[1]["iss"] == issuer.issuer
        revoked[token] = time.monotonic()

    report = await attack(Api(answer), issuer, "revoked-late", revoke=revoke, bound=bound)
    (result,) = report.results
    return result.verdict, result.because


async def test_a_token_that_is_refused_within_the_bound_is_sound(issuer: TestIssuer) -> None:
    """And the time is told."""
    verdict, because = await played(issuer, late=0.1, bound=1)
    assert verdict is Verdict.SOUND
    assert 0.1 <= float(because.split()[3]) < 1


async def test_a_token_that_goes_on_to_work_is_a_flaw(issuer: TestIssuer) -> None:
    """It is not waited for longer than the bound."""
    began = time.monotonic()
    verdict, because = await played(issuer, late=30, bound=0.3)
    assert (verdict, "still accepted" in because) == (Verdict.FLAW, True)
    assert time.monotonic() - began < 10
