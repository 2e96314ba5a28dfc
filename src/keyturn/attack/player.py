"""Plays a case at a route: ordinary requests first and last, the hostile ones between, what they showed confirmed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from keyturn.attack import judging
from keyturn.attack.arms import Arms
from keyturn.attack.case import Case
from keyturn.attack.judging import Baseline, By, Outcome, Standing
from keyturn.attack.model import Answer, Need, Route, Shot, Verdict, bearer
from keyturn.attack.probe import Probe
from keyturn.attack.results import Hit, Result
from keyturn.errors import TemporarilyUnavailable

#: Seconds that a target may ask us to wait, and how often.
LONGEST_WAIT: Final = 5.0
WAITS: Final = 2

#: Shots in a row that were waited for in vain, more than a minute, after which no other one is.
VAIN: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The answer to a request, for what is judged over all of them. Those of ordinary ones belong to no case."""

    case_id: str
    variant: str
    answer: Answer
    outcome: Outcome


class Player:
    """Plays against one target, and remembers what it saw."""

    def __init__(self, url: str, probe: Probe, arms: Arms) -> None:
        """Play at *url* with *arms*, through *probe*."""
        self._url = url.rstrip("/")
        self._probe = probe
        self.arms = arms
        self.sightings: dict[Route, list[Sighting]] = {}
        self._flawed: set[tuple[str, Route]] = set()
        self._vain = 0

    async def survey(self, route: Route) -> Baseline:
        """Send what is ordinary to *route*: a good token, none, and a text that is none.

        Raises:
            TemporarilyUnavailable: there is no answer.
            BudgetSpent: no more may be sent.

        """
        good = await self._good(route)
        if good is not None and good.status in _DENIED and self.arms.drop_signer():
            good = await self._good(route)
        who = "The target" if good is None else "Without a good token the target"
        garbage = bearer("some text", f"keyturn-attack-{self.arms.material(route).name()}")
        baseline = judging.judge_route(
            route,
            good=good,
            without=_there(await self.ask(route, Shot(variant="no token")), who),
            garbage=_there(await self.ask(route, garbage), who),
        )
        ordinary = (("a good token", good), ("no token", baseline.without), ("some text", baseline.garbage))
        self.sightings[route] = [
            Sighting(case_id="", variant=variant, answer=answer, outcome=judging.judge(baseline, answer))
            for variant, answer in ordinary
            if answer is not None
        ]
        return baseline

    async def play(self, case: Case, baseline: Baseline) -> Result:
        """Play *case*, which is one of shots, at the route of *baseline*.

        Raises:
            BudgetSpent: no more may be sent.

        """
        if reason := await self._hindrance(case, baseline):
            return _result(case, baseline, Verdict.NOT_PLAYED, reason)
        shots = self._shots(case, baseline)
        if not shots:
            return _result(case, baseline, Verdict.NOT_PLAYED, "It does not apply to such a token.")
        result = await self._fire(case, baseline, shots)
        if result.verdict is Verdict.FLAW:
            self._flawed.add((case.id, baseline.route))
        elif not await self._still_ordinary(baseline):
            return replace(
                result, verdict=Verdict.INCONCLUSIVE, because="Afterwards the good token did not work either."
            )
        return result

    async def ask(self, route: Route, shot: Shot) -> Answer | None:
        """Return the answer to *shot* at *route*; where the target asks for patience, after a bounded wait."""
        answer = await self._ask_once(route, shot)
        for _ in range(WAITS):
            if answer is None or not judging.is_busy(answer) or self._vain >= VAIN:
                break
            await asyncio.sleep(_patience(answer))
            answer = await self._ask_once(route, shot)
        self._vain = self._vain + 1 if answer is not None and judging.is_busy(answer) else 0
        return answer

    def _shots(self, case: Case, baseline: Baseline) -> list[Shot]:
        if case.forge is None:
            return []
        if baseline.standing is Standing.OPEN:
            return [Shot(variant="no token"), bearer("some text", "keyturn-attack")]
        return list(case.forge(self.arms.material(baseline.route)))

    async def _hindrance(self, case: Case, baseline: Baseline) -> str:
        """Return why *case* says nothing at this route, or nothing."""
        lack = self.arms.lacks(case.need) or self._covering(case, baseline) or self._unseen(case)
        if lack or case.control is None:
            return lack
        controls = list(case.control(self.arms.material(baseline.route)))
        if not controls:
            return "The token says nothing of the kind."
        for shot in controls:
            answer = await self.ask(baseline.route, shot)
            if _outcome(baseline, shot, answer) in {Outcome.ACCEPTED, Outcome.UNCLEAR}:
                return case.control_means
        return ""

    def _covering(self, case: Case, baseline: Baseline) -> str:
        """Return which flaw that was found leaves nothing to be learned from *case*, or nothing."""
        for other in case.covered_by:
            if (other, baseline.route) in self._flawed:
                return f"The flaw {other} is there already, and contains this one."
        if (_MISTAKEN, baseline.route) in self._flawed and case.need in _BY_TEXT and case.id != _MISTAKEN:
            return f"The flaw {_MISTAKEN} is there: a forged token may be taken for a good one that went before."
        return ""

    def _unseen(self, case: Case) -> str:
        """Return why what *case* looks for would not be noticed, or nothing."""
        unseen = case.id == _LURE and not self.arms.canary.listens
        return "Whether somebody comes for its URLs shows only with --listen." if unseen else ""

    async def _fire(self, case: Case, baseline: Baseline, shots: Sequence[Shot]) -> Result:
        hits: list[Hit] = []
        unclear, visits = 0, self.arms.canary.visits
        for shot in shots:
            outcome, answer = await self._shoot(case, baseline, shot)
            if outcome is Outcome.ACCEPTED:
                hits.append(Hit(variant=shot.variant, status=answer.status if answer is not None else 0))
            unclear += outcome is Outcome.UNCLEAR
        if case.id == _LURE:
            await asyncio.sleep(_ON_THE_WAY)
        if self.arms.canary.visits > visits:
            hits.append(Hit(variant="a URL in a token was fetched", status=0))
        if hits:
            return _result(case, baseline, Verdict.FLAW, case.title + ".", hits=tuple(hits), requests=len(shots))
        if unclear:
            because = f"{unclear} of {len(shots)} were answered like neither a good token nor a bad one, or not at all."
            return _result(case, baseline, Verdict.INCONCLUSIVE, because, requests=len(shots))
        return _result(case, baseline, Verdict.SOUND, "Every one was refused.", requests=len(shots))

    async def _shoot(self, case: Case, baseline: Baseline, shot: Shot) -> tuple[Outcome, Answer | None]:
        """Return what became of *shot*; a success, or a crash, only if it comes again."""
        answer = await self.ask(baseline.route, shot)
        outcome = _outcome(baseline, shot, answer)
        if outcome in {Outcome.ACCEPTED, Outcome.CRASHED}:
            answer = await self.ask(baseline.route, shot)
            outcome = outcome if _outcome(baseline, shot, answer) is outcome else Outcome.UNCLEAR
        if answer is not None:
            sighting = Sighting(case_id=case.id, variant=shot.variant, answer=answer, outcome=outcome)
            self.sightings[baseline.route].append(sighting)
        return outcome, answer

    async def _still_ordinary(self, baseline: Baseline) -> bool:
        if not self.arms.has_good_token:
            return True
        good = await self.ask(baseline.route, bearer("a good token", self.arms.material(baseline.route).good))
        return judging.judge(baseline, good) is Outcome.ACCEPTED

    async def _good(self, route: Route) -> Answer | None:
        if not self.arms.has_good_token:
            return None
        return _there(await self.ask(route, bearer("a good token", self.arms.material(route).good)))

    async def _ask_once(self, route: Route, shot: Shot) -> Answer | None:
        if shot.primed_by is not None:
            await self._send(route, Shot(variant="priming", authorization=(shot.primed_by,)))
        return await self._send(route, shot)

    async def _send(self, route: Route, shot: Shot) -> Answer | None:
        path, mark, query = (shot.path or route.path).partition("?")
        further = "&".join(f"{name}={value}" for name, value in shot.query)
        query = "&".join(part for part in (query, further) if part)
        headers = (*(("Authorization", value) for value in shot.authorization), *shot.headers)
        # Only what went in a header: a URL is repeated by every redirect, and tokens in one are a flaw of their own.
        secrets = {word for value in shot.authorization for word in value.replace(",", " ").split()}
        return await self._probe.ask(
            shot.method or route.method,
            f"{self._url}{path}{'?' if mark or query else ''}{query}",
            headers=headers,
            secrets=secrets,
        )


def _outcome(baseline: Baseline, shot: Shot, answer: Answer | None) -> Outcome:
    """Return what became of *shot*: at another path or method, what is not there or not the same is refused."""
    outcome = judging.judge(baseline, answer, by=By.STATUS if shot.path is None else By.SHAPE)
    elsewhere = shot.path is not None or shot.method is not None
    missing = outcome is Outcome.UNCLEAR or (answer is not None and answer.status == _NOT_IMPLEMENTED)
    if missing and elsewhere and answer is not None and not judging.is_busy(answer):
        return Outcome.REFUSED
    return outcome


def _result(
    case: Case, baseline: Baseline, verdict: Verdict, because: str, *, hits: tuple[Hit, ...] = (), requests: int = 0
) -> Result:
    place = str(baseline.route)
    return Result(case=case, place=place, verdict=verdict, because=because, hits=hits, requests=requests)


def _patience(answer: Answer) -> float:
    """Return the seconds to wait where *answer* says: not now."""
    asked = answer.retry_after if answer.retry_after is not None else _USUAL_WAIT
    return min(asked, LONGEST_WAIT)


def _there(answer: Answer | None, who: str = "The target") -> Answer:
    if answer is None:
        raise TemporarilyUnavailable("no answer", sentence=f"{who} does not answer.")
    return answer


_DENIED: Final = frozenset({401, 403})
_LURE: Final = "jku-fetch"
_ON_THE_WAY: Final = 0.1  # seconds until a visitor who was sent by the last shot is here
_MISTAKEN: Final = "cache-collision"
_BY_TEXT: Final = frozenset({Need.JWT, Need.PUBLIC_KEY, Need.KEY})
_NOT_IMPLEMENTED: Final = 501
_USUAL_WAIT: Final = 0.3  # seconds
