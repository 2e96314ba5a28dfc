"""Attacks as tests, without pytest's fixture: what passes, what fails, what is skipped."""

from unittest import SkipTest

import pytest
from attack_world import CHALLENGE, Answers, Api, Asked, Said, takes

from keyturn.attack import Target
from keyturn.attack.model import Verdict
from keyturn.attack.testing import CASE_IDS, Attacks
from keyturn.testing import TestIssuer


def target(issuer: TestIssuer, answers: Answers, *routes: str) -> Target:
    """Return an app in this process as a target."""
    return Target.in_process(Api(answers), issuer, routes or ["GET /orders"])


def test_an_attack_that_is_refused_passes(issuer: TestIssuer) -> None:
    """One baseline does for all of them, and they come in any order."""
    api = Api(takes(issuer))
    with Attacks(Target.in_process(api, issuer, ["GET /orders"])) as attacks:
        for case_id in ("alg-none", "crash", "missing-check", "revoked-late"):
            attacks.case(case_id).check()
    assert [asked.token for asked in api.asked].count("") < 10


def test_a_flaw_fails_and_says_how_to_mend_it(issuer: TestIssuer) -> None:
    """Without a token in the message."""
    with Attacks(target(issuer, lambda _: Said(status=200))) as attacks:
        with pytest.raises(AssertionError) as failure:
            attacks.case("missing-check").check()
        assert [result.verdict for result in attacks.case("missing-check").play()] == [Verdict.FLAW]
    assert "missing-check at GET /orders" in str(failure.value)
    assert "Mend: " in str(failure.value)
    assert "eyJ" not in str(failure.value)


def test_a_flaw_of_many_requests_is_told_in_few_words(issuer: TestIssuer) -> None:
    """Some are named, the others counted."""
    sound = takes(issuer)

    def silent(asked: Asked) -> Said:
        said = sound(asked)
        return Said(status=said.status, body=said.body)

    with Attacks(target(issuer, silent)) as attacks:
        attacks.case("alg-none").check()
        (result,) = attacks.case("no-challenge").play()
        with pytest.raises(AssertionError, match=f", {len(result.hits) - 12} more") as failure:
            attacks.case("no-challenge").check()
    assert str(failure.value).count("(401)") == 12


def test_a_route_that_can_not_be_judged_fails(issuer: TestIssuer) -> None:
    """A test that measured nothing must not pass."""
    with Attacks(target(issuer, lambda _: Said(status=404))) as attacks, pytest.raises(AssertionError) as failure:
        attacks.case("alg-none").check()
    assert "GET /orders" in str(failure.value)


def test_a_doubt_fails(issuer: TestIssuer) -> None:
    """Inconclusive is not sound."""
    sound = takes(issuer)

    def doubtful(asked: Asked) -> Said:
        return Said(status=404) if asked.token.endswith(".") else sound(asked)

    with Attacks(target(issuer, doubtful)) as attacks, pytest.raises(AssertionError, match="alg-none"):
        attacks.case("alg-none").check()


def test_what_can_not_be_played_is_skipped_with_the_reason(issuer: TestIssuer) -> None:
    """An app in this process has no account to attack."""
    with Attacks(target(issuer, takes(issuer))) as attacks, pytest.raises(SkipTest, match="account"):
        attacks.case("csrf").check()


def test_a_revocation_that_the_app_does_not_hear_of_fails(issuer: TestIssuer) -> None:
    """An app that looks at signatures alone."""
    deaf = TestIssuer(issuer.issuer, issuer.audience)
    deaf._keys = issuer._keys

    with Attacks(target(issuer, takes(deaf))) as attacks, pytest.raises(AssertionError, match="revoked-late"):
        attacks.case("revoked-late").check()


def test_outside_of_the_with_nothing_is_played(issuer: TestIssuer) -> None:
    """The way to the app is open only there."""
    with pytest.raises(RuntimeError):
        Attacks(target(issuer, lambda _: Said(status=401, headers=CHALLENGE))).case(CASE_IDS[0])
