"""The rules for what is seen in passing: crashes, leaks, and answers that tell a client the wrong thing. Pure."""

from collections.abc import Callable, Sequence
from typing import Final

from keyturn.attack.case import Case
from keyturn.attack.judging import Baseline, Outcome
from keyturn.attack.model import Verdict
from keyturn.attack.player import Sighting
from keyturn.attack.results import Hit, Result


def observe(case: Case, baseline: Baseline, sightings: Sequence[Sighting]) -> Result:
    """Return what all the *sightings* at one route say about *case*, which is one of :data:`OBSERVED`."""
    if case.id == _CRASH and not any(sighting.case_id for sighting in sightings):
        because = "No hostile token was sent that it could have failed at."
        return Result(case=case, place=str(baseline.route), verdict=Verdict.NOT_PLAYED, because=because)
    found = [sighting for sighting in sightings if OBSERVED[case.id](sighting)]
    hits = tuple(Hit(variant=_named(case, sighting), status=sighting.answer.status) for sighting in found)
    verdict = Verdict.FLAW if hits else Verdict.SOUND
    because = f"{case.title}." if hits else f"Not seen in {len(sightings)} answers."
    return Result(case=case, place=str(baseline.route), verdict=verdict, because=because, hits=hits)


def _crashed(sighting: Sighting) -> bool:
    return bool(sighting.case_id) and sighting.outcome is Outcome.CRASHED


def _leaks(sighting: Sighting) -> bool:
    return bool(sighting.answer.leaks)


def _wrong_status(sighting: Sighting) -> bool:
    return sighting.case_id not in _OTHERS and sighting.variant != _GOOD and sighting.answer.status == _FORBIDDEN


def _no_challenge(sighting: Sighting) -> bool:
    return sighting.answer.status == _UNAUTHORIZED and not sighting.answer.challenge


def _named(case: Case, sighting: Sighting) -> str:
    said = f"{sighting.case_id}: {sighting.variant}" if sighting.case_id else sighting.variant
    return ", ".join((said, *sighting.answer.leaks)) if case.id == "leaks-token" else said


_CRASH: Final = "crash"
OBSERVED: Final[dict[str, Callable[[Sighting], bool]]] = {
    _CRASH: _crashed,
    "leaks-token": _leaks,
    "wrong-status": _wrong_status,
    "no-challenge": _no_challenge,
}
#: A well signed token without the scope is rightly answered with 403, and a strange path by a firewall.
_OTHERS: Final = frozenset({"string-scope", "role-confusion", "path-bypass", "method-bypass"})
_GOOD: Final = "a good token"
_FORBIDDEN: Final = 403
_UNAUTHORIZED: Final = 401
