"""The hostile tokens are what they say: each is refused for the reason it was made for, and for no other."""

import re
import time
from functools import cache

import pytest
from attack_world import AUDIENCE, ISSUER, ROUTE, material

from keyturn import InvalidToken
from keyturn.attack.arms import Arms
from keyturn.attack.case import Case
from keyturn.attack.cases import BY_ID, CASES
from keyturn.attack.cases.secrets import EXAMPLE_SECRETS
from keyturn.attack.keyfile import hmac_signer
from keyturn.attack.material import Material, read_token
from keyturn.attack.model import Need
from keyturn.attack.observing import OBSERVED
from keyturn.attack.target import IN_PROCESS, Target
from keyturn.errors import InvalidTokenReason as Reason
from keyturn.testing import TestIssuer

#: Why our own verifier refuses the shots of a case. What is malformed is seen before anything else.
REASONS = {
    "any-signature": {Reason.BAD_SIGNATURE},
    "no-signature": {Reason.MALFORMED},
    "alg-none": {Reason.MALFORMED, Reason.ALG_NOT_ALLOWED},
    "psychic-signature": {Reason.BAD_SIGNATURE},
    "der-signature": {Reason.BAD_SIGNATURE},
    "alg-confusion": {Reason.ALG_NOT_ALLOWED},
    "empty-key": {Reason.ALG_NOT_ALLOWED, Reason.MALFORMED},
    "weak-secret": {Reason.ALG_NOT_ALLOWED},
    "unknown-kid": {Reason.BAD_SIGNATURE, Reason.UNKNOWN_KEY, Reason.MALFORMED},
    "embedded-jwk": {Reason.MALFORMED},
    "jku-fetch": {Reason.MALFORMED, Reason.UNKNOWN_KEY},
    "x5c-header": {Reason.MALFORMED},
    "kid-injection": {Reason.MALFORMED, Reason.ALG_NOT_ALLOWED, Reason.UNKNOWN_KEY},
    "crit-ignored": {Reason.MALFORMED},
    "b64-ignored": {Reason.MALFORMED},
    "expired": {Reason.EXPIRED},
    "no-expiry": {Reason.MISSING_CLAIM},
    "nan-expiry": {Reason.BAD_CLAIM, Reason.MALFORMED},
    "far-expiry": {Reason.BAD_CLAIM},
    "not-yet-valid": {Reason.NOT_YET_VALID, Reason.BAD_CLAIM},
    "wrong-audience": {Reason.WRONG_AUDIENCE},
    "audience-substring": {Reason.WRONG_AUDIENCE, Reason.BAD_CLAIM},
    "no-audience": {Reason.WRONG_AUDIENCE, Reason.MISSING_CLAIM, Reason.BAD_CLAIM},
    "wrong-issuer": {Reason.WRONG_ISSUER, Reason.MISSING_CLAIM, Reason.BAD_CLAIM},
    "issuer-prefix": {Reason.WRONG_ISSUER},
    "wrong-type": {Reason.WRONG_TYPE},
    "encoding-twins": {Reason.MALFORMED},
    "utf16-claims": {Reason.MALFORMED},
    "duplicate-members": {Reason.MALFORMED},
    "json-serialisation": {Reason.MALFORMED},
    "cache-collision": {Reason.BAD_SIGNATURE, Reason.MALFORMED},
}
BY_TOKEN = [case for case in CASES if case.id in REASONS]


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256", "PS256", "ES384"])
@pytest.mark.parametrize("case", BY_TOKEN, ids=lambda case: case.id)
def test_each_token_is_refused_for_its_own_reason(case: Case, algorithm: str) -> None:
    """By our own verifier, which takes the good token that they were made from (A01 to A29)."""
    verifier, made = issuer_of(algorithm).verifier(), made_with(algorithm)
    verifier.verify(made.good)
    verifier.verify(made.signed(made.fresh_claims()))
    assert case.forge is not None
    shots = list(case.forge(made))
    assert shots or (case.id == "psychic-signature" and not algorithm.startswith("ES"))
    for shot in shots:
        with pytest.raises(InvalidToken) as refusal:
            verifier.verify(shot.authorization[0].removeprefix("Bearer "))
        assert refusal.value.reason in REASONS[case.id], shot.variant


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_each_case_says_what_it_is(case: Case) -> None:
    """An id to type, a title, and sentences that end; what it covers and is covered by exists."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", case.id)
    assert case.title[-1].isalnum()
    assert case.meaning.endswith(".")
    assert case.mend.endswith((".", "`."))
    assert case.reference
    assert set(case.covered_by) <= BY_ID.keys()
    assert (case.forge is not None) == (case.id not in OBSERVED and case.need not in {Need.ISSUER, Need.REVOCATION})
    assert (case.control is not None) == (case.control_means != "")


def test_what_covers_others_is_played_before_them() -> None:
    """Else the request would be wasted."""
    order = [case.id for case in CASES]
    assert len(set(order)) == len(order)
    for case in CASES:
        assert all(order.index(other) < order.index(case.id) for other in case.covered_by), case.id


@pytest.mark.parametrize("case", [case for case in CASES if case.forge], ids=lambda case: case.id)
def test_each_shot_has_a_name_of_its_own_and_shows_no_secret(case: Case) -> None:
    """A report names the shot by it; neither name nor ``repr`` holds a token."""
    made = made_with("ES256")
    assert case.forge is not None
    shots = list(case.forge(made))
    variants = [shot.variant for shot in shots]
    assert case.id == "weak-secret" or len(set(variants)) == len(variants)
    for shot in shots:
        assert "eyJ" not in repr(shot)
        assert "eyJ" not in shot.variant
    assert made.good not in repr(made)


def test_two_volleys_have_no_token_in_common() -> None:
    """A cache of the target's never answers for it."""
    made = made_with("ES256")
    for case in CASES:
        if case.forge is not None and case.need is Need.KEY:
            first, second = (tuple(shot.authorization[0] for shot in case.forge(made)) for _ in range(2))
            assert set(first).isdisjoint(second), case.id


@pytest.mark.parametrize("secret", ["secret", "your-256-bit-secret", "shhhhh"])
def test_a_secret_from_a_manual_is_found_without_a_request(secret: str) -> None:
    """The handed token is enough to try it here; one request then proves it (A13)."""
    signer = hmac_signer(secret.encode(), algorithm="HS256", kid=None)
    made = Arms(_handed(signer_token(secret))).material(ROUTE)
    weak = BY_ID["weak-secret"].forge
    assert weak is not None
    (shot,) = weak(made)
    header, _, _ = read_token(shot.authorization[0].removeprefix("Bearer "))
    assert (header["alg"], secret in EXAMPLE_SECRETS, signer.algorithm) == ("HS256", True, "HS256")


def test_a_secret_of_ones_own_is_not_found() -> None:
    """It is not called weak; the commonest ones are still tried, for the target may know another."""
    weak = BY_ID["weak-secret"].forge
    assert weak is not None
    shots = list(weak(Arms(_handed(signer_token("3kD9-a secret that no manual has"))).material(ROUTE)))
    assert shots != []
    assert [shot for shot in shots if "its own" in shot.variant] == []


@cache
def issuer_of(algorithm: str) -> TestIssuer:
    """Return the issuer with this algorithm: a new RSA key takes its time."""
    return TestIssuer(ISSUER, AUDIENCE, algorithm=algorithm)


@cache
def made_with(algorithm: str) -> Material:
    """Return what shots are made of, with this algorithm."""
    issuer = issuer_of(algorithm)
    return material(issuer.signing_key, issuer.make_token(scopes=["a"], roles=["b"]), now=int(time.time()))


def signer_token(secret: str) -> str:
    """Return a token that is signed with *secret*."""
    signer = hmac_signer(secret.encode(), algorithm="HS256", kid=None)
    return Arms(Target(url=IN_PROCESS, routes=(ROUTE,), signer=signer)).material(ROUTE).good


def _handed(token: str) -> Target:
    return Target(url=IN_PROCESS, routes=(ROUTE,), token=token)
