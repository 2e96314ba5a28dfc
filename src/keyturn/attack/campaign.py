"""A whole attack: open the way to the target, look at its routes, play the cases within the budget, report."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Literal

from keyturn.attack import in_process
from keyturn.attack.arms import Arms
from keyturn.attack.budget import Budget, BudgetSpent
from keyturn.attack.canary import listening
from keyturn.attack.case import Case
from keyturn.attack.issuer import PLAYS, play_issuer
from keyturn.attack.judging import Baseline, Standing
from keyturn.attack.model import Need, Route, Verdict
from keyturn.attack.observing import OBSERVED, observe
from keyturn.attack.player import Player
from keyturn.attack.probe import Probe
from keyturn.attack.results import Report, Result
from keyturn.attack.revocation import BOUND, play_revocation
from keyturn.attack.target import Target
from keyturn.errors import ConfigurationError, TemporarilyUnavailable

#: Told before each step: how many are done, of how many, and what comes now.
Told = Callable[[int, int, str], None]


class Campaign:
    """One attack on one target. Made by :func:`begun`; plays any case at any time, each route's baseline but once."""

    def __init__(self, target: Target, probe: Probe, arms: Arms, *, revocation_bound: float = BOUND) -> None:
        self.target = target
        self._probe = probe
        self._arms = arms
        self._player = Player(target.url, probe, arms)
        self._bound = revocation_bound
        self._baselines: dict[Route, Baseline] = {}
        self._broken: list[str] = []

    async def run(self, cases: Sequence[Case], *, notes: Sequence[str] = (), told: Told | None = None) -> Report:
        """Play *cases* at every route that can be judged, until the budget is spent.

        Raises:
            TemporarilyUnavailable: the target does not answer at all.

        """
        began_at, began = time.time(), time.monotonic()
        said = [*notes]
        baselines = await self._survey(said)
        steps = list(_steps(cases, baselines))
        results: list[Result] = []
        for number, (case, baseline) in enumerate(steps):
            if told is not None:
                told(number, len(steps), case.id)
            results.append(await self._within_budget(case, baseline))
        return Report(
            url=self.target.url,
            baselines=tuple(self._baselines.values()),
            results=tuple(results),
            notes=tuple(said),
            broken=tuple(dict.fromkeys(self._broken)),
            sent=self._probe.budget.sent,
            max_requests=self._probe.budget.max_requests,
            lasted=time.monotonic() - began,
            began_at=int(began_at),
        )

    async def baseline(self, route: Route) -> Baseline:
        """Return how *route* answers what is ordinary; it is asked once."""
        if route not in self._baselines:
            self._baselines[route] = await self._player.survey(route)
        return self._baselines[route]

    async def play(self, case: Case, baseline: Baseline) -> Result:
        """Play *case* at the route of *baseline*.

        Raises:
            BudgetSpent: no more may be sent.

        """
        if case.id in OBSERVED:
            return observe(case, baseline, self._player.sightings[baseline.route])
        if case.need is Need.ISSUER:
            if self.target.account is None:
                return _not_played(case, PLAYS[case.id][0], "It needs an account at a Keyturn issuer.")
            return await play_issuer(case, self._probe, self.target.account)
        if case.need is Need.REVOCATION:
            return await self._play_revocation(case, baseline)
        return await self._player.play(case, baseline)

    async def _survey(self, said: list[str]) -> list[Baseline]:
        silent = 0
        for route in self.target.routes:
            try:
                baseline = await self.baseline(route)
            except BudgetSpent:
                said.append(f"{route}: not looked at, since the budget of requests is spent.")
                continue
            except TemporarilyUnavailable as error:
                said.append(f"{route}: not looked at. {error}")
                silent += 1
                if not self._baselines and (silent >= _SILENT or route == self.target.routes[-1]):
                    raise
                continue
            if baseline.standing is Standing.UNJUDGED:
                said.append(f"{route}: not judged. {baseline.because}")
        return list(self._baselines.values())

    async def _within_budget(self, case: Case, baseline: Baseline) -> Result:
        try:
            return await self.play(case, baseline)
        except BudgetSpent:
            return _not_played(case, str(baseline.route), "The budget of requests is spent.")
        except ConfigurationError as error:  # of an account, or a command that revokes
            self._broken.append(str(error))
            return Result(case=case, place=str(baseline.route), verdict=Verdict.INCONCLUSIVE, because=str(error))
        except TemporarilyUnavailable as error:
            return Result(case=case, place=str(baseline.route), verdict=Verdict.INCONCLUSIVE, because=str(error))

    async def _play_revocation(self, case: Case, baseline: Baseline) -> Result:
        if self.target.revoke is None or not self._arms.has_good_token:
            return _not_played(case, str(baseline.route), "It needs a token, and a way to revoke it.")
        return await play_revocation(case, self._player, baseline, self.target.revoke, bound=self._bound)


@asynccontextmanager
async def begun(
    target: Target,
    budget: Budget,
    *,
    canary: Literal["closed", "listening"] = "closed",
    revocation_bound: float = BOUND,
) -> AsyncIterator[Campaign]:
    """Open the way to *target* as long as the ``with`` runs.

    Args:
        target: what is attacked.
        budget: what may be sent.
        canary: whether a port of this machine listens for those who follow a URL in a token.
        revocation_bound: seconds within which a revoked token ought to be refused.

    Raises:
        ConfigurationError: the app of *target* does not start.

    """
    arms = Arms(target)
    async with AsyncExitStack() as stack:
        transport = None
        if target.app is not None:
            transport = await stack.enter_async_context(in_process.started(target.app))
        if canary == "listening":
            arms.canary = await stack.enter_async_context(listening(arms.stranger))
        probe = Probe(budget, transport=transport)
        stack.push_async_callback(probe.close)
        yield Campaign(target, probe, arms, revocation_bound=revocation_bound)


def _steps(cases: Sequence[Case], baselines: Sequence[Baseline]) -> Iterator[tuple[Case, Baseline]]:
    """Return what is played where, in this order: all at the first guarded route, each at the others, then the rest."""
    judged = [baseline for baseline in baselines if baseline.standing is not Standing.UNJUDGED]
    guarded = [baseline for baseline in judged if baseline.standing is Standing.GUARDED]
    at_routes = [case for case in cases if case.need not in _ONCE]
    first = guarded[:1]
    yield from ((case, baseline) for baseline in first for case in at_routes if case.id not in OBSERVED)
    for case in at_routes:
        others = (baseline for baseline in judged if baseline not in first or case.id in OBSERVED)
        yield from (
            (case, baseline) for baseline in others if baseline.standing is Standing.GUARDED or case.id in _OPEN
        )
    yield from ((case, baseline) for case in cases if case.need in _ONCE for baseline in (guarded or judged)[:1])


def _not_played(case: Case, place: str, because: str) -> Result:
    return Result(case=case, place=place, verdict=Verdict.NOT_PLAYED, because=because)


#: Played once, wherever: what ends a session comes after everything that needs it.
_ONCE: Final = frozenset({Need.REVOCATION, Need.ISSUER})

#: Routes that do not answer, one after the other, before the target is taken not to.
_SILENT: Final = 3

#: What can be said of a route that takes everybody.
_OPEN: Final = frozenset({"missing-check", "leaks-token"})
