"""What an answer means beside the ordinary ones."""

import pytest
from attack_world import ROUTE

from keyturn.attack.judging import By, Outcome, Standing, judge, judge_route
from keyturn.attack.model import Answer, Expectation, Route

SERVED = Answer(status=200, shape="orders")
OTHER = Answer(status=200, shape="please log in")


def answer(status: int) -> Answer:
    """Return an answer that is judged by its status alone."""
    return Answer(status=status, shape=str(status))


@pytest.mark.parametrize(
    ("good", "without", "garbage", "standing"),
    [
        (SERVED, answer(401), answer(401), Standing.GUARDED),
        (SERVED, answer(404), answer(404), Standing.GUARDED),
        (SERVED, answer(302), answer(302), Standing.GUARDED),
        (answer(404), answer(401), answer(401), Standing.GUARDED),
        (answer(422), answer(401), answer(401), Standing.GUARDED),
        (SERVED, OTHER, OTHER, Standing.GUARDED),
        (SERVED, SERVED, SERVED, Standing.OPEN),
        (SERVED, answer(401), SERVED, Standing.OPEN),
        (answer(404), answer(404), answer(404), Standing.UNJUDGED),
        (answer(401), answer(401), answer(401), Standing.UNJUDGED),
        (answer(403), answer(401), answer(401), Standing.UNJUDGED),
        (answer(500), answer(401), answer(401), Standing.UNJUDGED),
        (SERVED, answer(500), answer(401), Standing.UNJUDGED),
        (SERVED, answer(429), answer(401), Standing.UNJUDGED),
        (None, answer(401), answer(401), Standing.GUARDED),
        (None, SERVED, SERVED, Standing.OPEN),
        (None, answer(404), answer(404), Standing.UNJUDGED),
    ],
)
def test_a_route_is_judged_only_if_it_tells_a_good_token_from_none(
    good: Answer | None, without: Answer, garbage: Answer, standing: Standing
) -> None:
    """A 404 for everybody says nothing; a 200 for everybody, where a token is expected, is a flaw."""
    assert judge_route(ROUTE, good=good, without=without, garbage=garbage).standing is standing


def test_a_route_that_nobody_calls_protected_may_be_public() -> None:
    """Only where a token is known to be needed is an answer without one a flaw."""
    route = Route(method="GET", path="/", expectation=Expectation.UNKNOWN)
    baseline = judge_route(route, good=SERVED, without=SERVED, garbage=SERVED)
    assert (baseline.standing, baseline.because != "") == (Standing.UNJUDGED, True)


def test_a_refusal_in_the_shape_of_a_success_is_no_flaw() -> None:
    """As ``{"code": 401, "data": null}`` beside ``{"code": 0, "data": {}}``: what it means can't be told."""
    good = Answer(status=200, shape="code, data", kinds="a number, an object")
    without = Answer(status=200, shape="code, data", kinds="a number, null")
    baseline = judge_route(ROUTE, good=good, without=without, garbage=without)
    assert (baseline.standing, baseline.because != "") == (Standing.UNJUDGED, True)
    assert judge_route(ROUTE, good=good, without=good, garbage=good).standing is Standing.OPEN


@pytest.mark.parametrize(
    ("good", "without", "hostile", "by", "outcome"),
    [
        (SERVED, answer(401), answer(204), By.STATUS, Outcome.ACCEPTED),
        (SERVED, answer(401), answer(204), By.SHAPE, Outcome.UNCLEAR),
        (SERVED, answer(401), SERVED, By.SHAPE, Outcome.ACCEPTED),
        (SERVED, answer(401), answer(401), By.STATUS, Outcome.REFUSED),
        (SERVED, answer(401), answer(403), By.STATUS, Outcome.REFUSED),
        (SERVED, answer(401), answer(400), By.STATUS, Outcome.REFUSED),
        (SERVED, answer(401), answer(431), By.STATUS, Outcome.REFUSED),
        (SERVED, answer(401), answer(404), By.STATUS, Outcome.UNCLEAR),
        (SERVED, answer(401), answer(500), By.STATUS, Outcome.CRASHED),
        (SERVED, answer(401), answer(503), By.STATUS, Outcome.UNCLEAR),
        (SERVED, answer(401), answer(429), By.STATUS, Outcome.UNCLEAR),
        (SERVED, answer(401), None, By.STATUS, Outcome.UNCLEAR),
        (SERVED, answer(302), answer(302), By.STATUS, Outcome.REFUSED),
        (SERVED, answer(404), answer(404), By.STATUS, Outcome.REFUSED),
        (SERVED, OTHER, OTHER, By.STATUS, Outcome.REFUSED),
        (SERVED, OTHER, SERVED, By.STATUS, Outcome.ACCEPTED),
        (answer(422), answer(401), answer(422), By.STATUS, Outcome.ACCEPTED),
        (answer(422), answer(401), SERVED, By.STATUS, Outcome.UNCLEAR),
        (None, answer(401), SERVED, By.STATUS, Outcome.ACCEPTED),
    ],
)
def test_accepted_is_what_is_answered_like_the_good_token(
    good: Answer | None, without: Answer, hostile: Answer | None, by: By, outcome: Outcome
) -> None:
    """And only that: what is like neither is no verdict."""
    baseline = judge_route(ROUTE, good=good, without=without, garbage=without)
    assert judge(baseline, hostile, by=by) is outcome
