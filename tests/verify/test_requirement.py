"""Scopes and roles are compared whole."""

import json

import pytest

from keyturn.errors import ConfigurationError, InsufficientScope, InvalidToken
from keyturn.testing import TestIssuer
from keyturn.tokens import jws
from keyturn.verify.requirement import Requirement


def passes(issuer: TestIssuer, requirement: Requirement, **claims: object) -> bool:
    """Say whether a token with *claims* meets *requirement*."""
    token = issuer.verifier().verify(issuer.make_token(**claims))
    try:
        requirement.check(token)
    except InsufficientScope:
        return False
    return True


def test_all_scopes_are_needed(issuer: TestIssuer) -> None:
    """In any order, beside others."""
    requirement = Requirement.of(["orders:read", "orders:write"], None)
    assert passes(issuer, requirement, scope="orders:write other orders:read")
    assert not passes(issuer, requirement, scope="orders:read")


def test_one_of_the_roles_is_enough(issuer: TestIssuer) -> None:
    """Any of them."""
    requirement = Requirement.of([], ["admin", "support"])
    assert passes(issuer, requirement, roles=["user", "support"])
    assert not passes(issuer, requirement, roles=["user"])


def test_without_scopes_and_roles_any_good_token_will_do(issuer: TestIssuer) -> None:
    """``require()`` means: somebody."""
    assert passes(issuer, Requirement.of([], None))


@pytest.mark.parametrize("scope", ["adminx", "xadmin", "ADMIN", "admin:all", "a d m i n", ""])
def test_a_scope_is_never_found_inside_another(issuer: TestIssuer, scope: str) -> None:
    """VER-32, A30."""
    assert not passes(issuer, Requirement.of(["admin"], None), scope=scope)


@pytest.mark.parametrize("roles", ["admin", {"admin": 0}, [["admin"]], [True], ["admin", 1]])
def test_roles_of_another_type_make_the_token_bad(issuer: TestIssuer, roles: object) -> None:
    """A30: a string is not a list of its letters, nor a dictionary one of its keys."""
    claims = issuer.verifier().verify(issuer.make_token()).claims
    text = jws.sign({"typ": "at+jwt"}, json.dumps({**claims, "roles": roles}).encode(), issuer._keys[0])
    with pytest.raises(InvalidToken):
        issuer.verifier().verify(text)


@pytest.mark.parametrize("roles", [["administrator"], ["Admin"], ["admin "], []])
def test_a_role_is_never_found_inside_another(issuer: TestIssuer, roles: list[str]) -> None:
    """A30."""
    assert not passes(issuer, Requirement.of([], ["admin"]), roles=roles)


@pytest.mark.parametrize(
    ("scopes", "roles"),
    [(["a b"], None), ([""], None), (['a"'], None), ([7], None), ([], "admin"), ([], []), ([], [""]), ([], [None])],
)
def test_a_requirement_that_would_mean_something_else_is_refused(scopes: list[str], roles: list[str] | None) -> None:
    """OPS-05: a typing error must not open or close a route in silence."""
    with pytest.raises(ConfigurationError):
        Requirement.of(scopes, roles)


def test_a_requirement_is_what_was_asked_for() -> None:
    """Two that ask for the same are one, in the order of their scopes; it shows what it asks for, and that once."""
    asked = Requirement(scopes=("a", "b"))
    assert asked == Requirement(scopes=("a", "b")) != Requirement(scopes=("b", "a"))
    assert repr(asked) == "Requirement(scopes=('a', 'b'), roles=(), on_stale=None)"
