"""What came of an attack. Values alone, and no token in any of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from keyturn.attack.case import Case
from keyturn.attack.judging import Baseline
from keyturn.attack.model import Severity, Verdict

#: Requests that are named of one flaw, in a page and by pytest; the JSON report has all.
MOST_HITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A hostile request that showed the flaw: what was special about it, and the status of its answer."""

    variant: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one case at one place.

    Attributes:
        case: which.
        place: the route, or the issuer's endpoint.
        verdict: what became of it.
        because: what the verdict rests on, or why there is none.
        hits: the requests that showed the flaw.
        requests: how many hostile requests were sent for it.

    """

    case: Case
    place: str
    verdict: Verdict
    because: str
    hits: tuple[Hit, ...] = ()
    requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of all of them.

    Attributes:
        url: the target.
        baselines: how each route answers what is ordinary.
        results: one a case and place.
        notes: what the user ought to know, such as a route that was left out.
        broken: what was handed over and did not work, such as a command that revokes.
        sent: requests, all of them.
        max_requests: how many there might have been.
        lasted: seconds.
        began_at: epoch seconds.

    """

    url: str
    baselines: tuple[Baseline, ...]
    results: tuple[Result, ...]
    notes: tuple[str, ...]
    broken: tuple[str, ...] = ()
    sent: int
    max_requests: int
    lasted: float
    began_at: int

    @property
    def flaws(self) -> tuple[Result, ...]:
        """The flaws, the worst first, and each with all its places together."""
        found = [result for result in self.results if result.verdict is Verdict.FLAW]
        first = {result.case.id: number for number, result in reversed(list(enumerate(found)))}
        return tuple(
            sorted(found, key=lambda result: (list(Severity).index(result.case.severity), first[result.case.id]))
        )

    def fails(self, bar: Severity) -> bool:
        """Say whether there is a flaw at least as bad as *bar*."""
        return any(result.case.severity.reaches(bar) for result in self.flaws)


def counted(results: Iterable[Result], verdict: Verdict) -> int:
    """Return how many of *results* have this verdict."""
    return sum(result.verdict is verdict for result in results)
