"""The rules: what an answer means beside those to a good token and to none. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keyturn.attack.model import Answer, Expectation, Route


class Standing(StrEnum):
    """What the ordinary requests say of a route."""

    GUARDED = "guarded"
    OPEN = "open"
    UNJUDGED = "unjudged"


class Outcome(StrEnum):
    """What became of one shot."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    CRASHED = "crashed"
    UNCLEAR = "unclear"


class By(StrEnum):
    """What two answers are compared by: some APIs refuse with 200, and many have a page with 200 at another path."""

    STATUS = "status"
    SHAPE = "shape"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """How a route answers what is ordinary.

    Attributes:
        route: which.
        good: its answer to a good token; None where none was handed over.
        without: its answer to no token.
        garbage: its answer to a text that is no token.
        standing: what follows.
        because: why it can't be judged, or nothing.

    """

    route: Route
    good: Answer | None
    without: Answer
    garbage: Answer
    standing: Standing
    because: str = ""


def judge_route(route: Route, *, good: Answer | None, without: Answer, garbage: Answer) -> Baseline:
    """Say whether *route* tells a good token from none, which everything else is measured by."""
    standing, because = _standing(route, good, without, garbage)
    return Baseline(route=route, good=good, without=without, garbage=garbage, standing=standing, because=because)


def judge(baseline: Baseline, answer: Answer | None, *, by: By = By.STATUS) -> Outcome:
    """Say what became of a hostile request: it was accepted only if its answer is like the good token's."""
    if answer is None or is_busy(answer):
        return Outcome.UNCLEAR
    if answer.status >= _SERVER_ERROR:
        return Outcome.CRASHED
    if _is_like(answer, baseline.good, By.SHAPE if _serves(baseline.without) else by):
        return Outcome.ACCEPTED
    if answer.status in _REFUSALS or _is_like(answer, baseline.without, By.SHAPE):
        return Outcome.REFUSED
    return Outcome.UNCLEAR


def is_busy(answer: Answer) -> bool:
    """Say whether *answer* is: not now, which is no verdict."""
    return answer.status in _LATER


def _standing(route: Route, good: Answer | None, without: Answer, garbage: Answer) -> tuple[Standing, str]:
    if good is not None and (good.status >= _SERVER_ERROR or is_busy(good) or good.status in _DENIALS):
        return Standing.UNJUDGED, f"The good token is answered with {good.status}."
    if without.status >= _SERVER_ERROR or is_busy(without):
        return Standing.UNJUDGED, f"A request without a token is answered with {without.status}."
    if _is_like(without, good, By.SHAPE):
        return _open(route, without, good)
    if _is_like(garbage, good, By.SHAPE):
        return Standing.OPEN, "Any text is taken for a token."
    if good is None and without.status not in _DENIALS:
        return Standing.UNJUDGED, f"Without a token it answers {without.status}, and no good token is there to compare."
    return Standing.GUARDED, ""


def _open(route: Route, without: Answer, good: Answer | None) -> tuple[Standing, str]:
    if not _serves(without):
        return Standing.UNJUDGED, f"It answers {without.status} with a token and without."
    if route.expectation is Expectation.UNKNOWN:
        return Standing.UNJUDGED, "It answers without a token, and nothing says that it should not."
    if good is not None and without.kinds != good.kinds:
        # Such as {"code": 401, "data": null} beside {"code": 0, "data": {}}; or somebody's view beside everybody's.
        return Standing.UNJUDGED, f"Without a token it answers {without.status} too: that may be a refusal or not."
    return Standing.OPEN, "It answers without a token."


def _is_like(answer: Answer, model: Answer | None, by: By) -> bool:
    """Say whether two answers mean the same; with no model, whether *answer* serves."""
    if model is None:
        return _serves(answer)
    if not (_serves(model) and _serves(answer)):
        return answer.status == model.status
    return by is By.STATUS or answer.shape == model.shape


def _serves(answer: Answer) -> bool:
    return answer.status in _SUCCESS


_SUCCESS: Final = range(200, 300)
_SERVER_ERROR: Final = 500
_DENIALS: Final = frozenset({401, 403})
#: 400 is RFC 6750's word for a malformed request; 413, 414 and 431 come from servers for what is too long.
_REFUSALS: Final = _DENIALS | {400, 413, 414, 431}
_LATER: Final = frozenset({429, 503})
