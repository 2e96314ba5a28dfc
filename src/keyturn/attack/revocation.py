"""How long a revoked token goes on to work, measured from the issuer's answer on."""

import asyncio
import time
from typing import Final

from keyturn.attack import judging
from keyturn.attack.case import Case
from keyturn.attack.judging import Baseline, Outcome
from keyturn.attack.model import Shot, Verdict, bearer
from keyturn.attack.player import Player
from keyturn.attack.results import Hit, Result
from keyturn.attack.target import Revoke

#: Seconds within which a revoked token ought to be refused, unless the user says otherwise.
BOUND: Final = 1.0


async def play_revocation(case: Case, player: Player, baseline: Baseline, revoke: Revoke, *, bound: float) -> Result:
    """Present a token, revoke it, and present it until it is refused, or until it was accepted after *bound* seconds.

    Raises:
        BudgetSpent: no more may be sent.

    """
    shot = bearer("the revoked token", player.arms.material(baseline.route).good)
    if not await _accepted(player, baseline, shot):
        return _result(case, baseline, Verdict.INCONCLUSIVE, "The token was refused before it was revoked.")
    await revoke(shot.authorization[0].removeprefix("Bearer "))
    revoked_at = time.monotonic()
    while await _accepted(player, baseline, shot):
        elapsed = time.monotonic() - revoked_at
        if elapsed > bound:
            because = f"It was still accepted {elapsed:.1f} s after it was revoked."
            hit = Hit(variant=f"after {elapsed:.1f} s", status=baseline.good.status if baseline.good is not None else 0)
            return _result(case, baseline, Verdict.FLAW, because, hits=(hit,))
        await asyncio.sleep(_GAP)
    elapsed = time.monotonic() - revoked_at
    return _result(case, baseline, Verdict.SOUND, f"It was refused {elapsed:.2f} s after it was revoked.")


async def _accepted(player: Player, baseline: Baseline, shot: Shot) -> bool:
    return judging.judge(baseline, await player.ask(baseline.route, shot)) is Outcome.ACCEPTED


def _result(case: Case, baseline: Baseline, verdict: Verdict, because: str, *, hits: tuple[Hit, ...] = ()) -> Result:
    return Result(case=case, place=str(baseline.route), verdict=verdict, because=because, hits=hits)


_GAP: Final = 0.05  # seconds
