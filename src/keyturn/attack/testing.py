"""Attacks as tests: each case by itself, on whatever is running, one baseline a route for all of them. Knows no pytest.

A flaw is an ``AssertionError``, and so is a route that can't be judged: a test that measured nothing must not pass.
What can't be played for want of a key or an account is a ``SkipTest``, which pytest and unittest both know.
"""

import asyncio
from contextlib import AsyncExitStack, ExitStack
from types import TracebackType
from typing import Final, Self
from unittest import SkipTest

from keyturn.attack.budget import Budget, host_of
from keyturn.attack.campaign import Campaign, begun
from keyturn.attack.case import Case
from keyturn.attack.cases import BY_ID, CASES
from keyturn.attack.judging import Baseline, Standing
from keyturn.attack.model import Need, Verdict
from keyturn.attack.results import MOST_HITS, Result
from keyturn.attack.target import Target

MAX_REQUESTS: Final = 100_000


class Attacks:
    """All attacks on one target, within a ``with``; synchronous, on an event loop of its own."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._open = ExitStack()
        self._playing: tuple[Campaign, asyncio.AbstractEventLoop] | None = None

    def __enter__(self) -> Self:
        hosts = [self._target.url] if self._target.account is None else [self._target.url, self._target.account.issuer]
        budget = Budget(map(host_of, hosts), max_requests=MAX_REQUESTS)
        with ExitStack() as opening:
            loop = asyncio.new_event_loop()
            opening.callback(loop.close)
            opened = AsyncExitStack()
            opening.callback(lambda: loop.run_until_complete(opened.aclose()))
            entering = opened.enter_async_context(begun(self._target, budget, canary="listening"))
            self._playing = loop.run_until_complete(entering), loop
            self._open = opening.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._playing = None
        self._open.close()

    def case(self, case_id: str) -> "AttackTest":
        """Return the attack of this id."""
        if self._playing is None:
            raise RuntimeError("not within the with")
        return AttackTest(BY_ID[case_id], self._target, *self._playing)


class AttackTest:
    """One attack, at each route of the target."""

    def __init__(self, case: Case, target: Target, campaign: Campaign, loop: asyncio.AbstractEventLoop) -> None:
        self.case = case
        self._target = target
        self._campaign = campaign
        self._loop = loop

    def play(self) -> tuple[Result, ...]:
        """Return what came of it at each route.

        Raises:
            AssertionError: a route can't be judged.

        """
        __tracebackhide__ = True  # pytest then points at the test
        baselines = self._loop.run_until_complete(self._survey())
        unjudged = [baseline for baseline in baselines if baseline.standing is Standing.UNJUDGED]
        if unjudged:
            raise AssertionError("\n".join(f"{baseline.route}: {baseline.because}" for baseline in unjudged))
        return self._loop.run_until_complete(self._play(baselines))

    def check(self) -> None:
        """Fail for a flaw, and for a route at which nothing can be said.

        Raises:
            AssertionError: there is one. The message names the case, the route, what was special and the mend.
            SkipTest: the case could be played at no route, and why.

        """
        __tracebackhide__ = True
        results = self.play()
        found = [result for result in results if result.verdict in {Verdict.FLAW, Verdict.INCONCLUSIVE}]
        if found:
            raise AssertionError("\n".join(map(_told, found)))
        if all(result.verdict is Verdict.NOT_PLAYED for result in results):
            raise SkipTest("; ".join(sorted({result.because for result in results})))

    async def _survey(self) -> list[Baseline]:
        return [await self._campaign.baseline(route) for route in self._target.routes]

    async def _play(self, baselines: list[Baseline]) -> tuple[Result, ...]:
        places = [baseline for baseline in baselines if self._says_something(baseline)]
        if self.case.need in {Need.ISSUER, Need.REVOCATION}:
            del places[1:]
        return tuple([await self._campaign.play(self.case, baseline) for baseline in places])

    def _says_something(self, baseline: Baseline) -> bool:
        return baseline.standing is Standing.GUARDED or self.case.id == "missing-check"


def _told(result: Result) -> str:
    named = [f"{hit.variant} ({hit.status})" for hit in result.hits[:MOST_HITS]]
    more = len(result.hits) - len(named)
    variants = ", ".join([*named, f"{more} more"] if more else named)
    lines = (
        f"{result.case.id} at {result.place}: {result.because}",
        f"  {variants}" if variants else "",
        f"  {result.case.meaning}",
        f"  Mend: {result.case.mend} ({result.case.reference})",
    )
    return "\n".join(line for line in lines if line)


CASE_IDS: Final = tuple(case.id for case in CASES)
