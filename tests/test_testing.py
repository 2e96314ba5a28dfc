"""An issuer in memory, for the tests of an API."""

from collections.abc import Callable
from typing import Annotated

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from keyturn import InvalidToken, TokenExpired, Verifier
from keyturn.errors import InvalidTokenReason
from keyturn.fastapi import AccessToken, Keyturn
from keyturn.testing import TestIssuer, default_issuer, make_token


def test_a_made_token_says_what_was_asked(keyturn_issuer: TestIssuer, keyturn_make_token: Callable[..., str]) -> None:
    """The fixtures of the plugin are one issuer and its tokens."""
    text = keyturn_make_token("ada", scopes=["a"], roles=["admin"], expires_in=90, tenant="t1")
    token = keyturn_issuer.verifier().verify(text)
    assert (token.sub, token.scopes, token.roles, token.claims["tenant"]) == ("ada", {"a"}, ("admin",), "t1")
    assert token.expires_at - token.issued_at == 90


def test_a_bad_token_is_as_easily_made(keyturn_issuer: TestIssuer) -> None:
    """An API's tests need those too."""
    verifier = keyturn_issuer.verifier()
    with pytest.raises(TokenExpired):
        verifier.verify(keyturn_issuer.make_token(expires_in=-60))
    for claims, reason in (
        ({"aud": "other"}, InvalidTokenReason.WRONG_AUDIENCE),
        ({"iss": "https://other.test"}, InvalidTokenReason.WRONG_ISSUER),
        ({"jti": None}, InvalidTokenReason.MISSING_CLAIM),
    ):
        with pytest.raises(InvalidToken) as refusal:
            verifier.verify(keyturn_issuer.make_token(**claims))
        assert refusal.value.reason is reason


def test_rotation_and_withdrawal_can_be_played(keyturn_issuer: TestIssuer) -> None:
    """Old tokens stay good until their key is withdrawn."""
    old = keyturn_issuer.make_token()
    kid = keyturn_issuer.rotate()
    verifier = keyturn_issuer.verifier()
    assert verifier.verify(keyturn_issuer.make_token()).kid == kid
    assert verifier.verify(old).kid != kid
    keyturn_issuer.withdraw_old_keys()
    with pytest.raises(InvalidToken):
        keyturn_issuer.verifier().verify(old)


@pytest.mark.parametrize("kind", ["jti", "sid", "sub", "kid"])
def test_a_revocation_is_known_at_once(keyturn_issuer: TestIssuer, kind: str) -> None:
    """To verifiers that were made before, for a token that was verified before, without a network."""
    verifier = keyturn_issuer.verifier()
    text, other = keyturn_issuer.make_token("ada", sid="s", jti="j"), keyturn_issuer.make_token("bob")
    token = verifier.verify(text)
    keyturn_issuer.revoke(**{kind: {"jti": "j", "sid": "s", "sub": "ada", "kid": token.kid}[kind]})
    with pytest.raises(InvalidToken) as refusal:
        verifier.verify(text)
    assert refusal.value.reason is InvalidTokenReason.REVOKED
    if kind != "kid":
        assert verifier.verify(other).sub == "bob"
        assert verifier.verify(keyturn_issuer.make_token("ada")).sub == "ada"


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256", "PS256", "ES384"])
def test_any_asymmetric_algorithm_will_do(algorithm: str) -> None:
    """The published set holds no secret."""
    issuer = TestIssuer(algorithm=algorithm)
    assert issuer.verifier(algorithms=[algorithm]).verify(issuer.make_token("ada")).sub == "ada"
    assert not {"d", "k", "p"} & set(issuer.jwks["keys"][0])


@pytest.mark.parametrize("algorithm", ["HS256", "none", ""])
def test_no_symmetric_key_is_ever_published(algorithm: str) -> None:
    """KEY-01."""
    with pytest.raises(ValueError):
        TestIssuer(algorithm=algorithm)


def test_an_existing_api_can_be_pointed_at_it(keyturn_issuer: TestIssuer) -> None:
    """Its ``Keyturn`` stays as it is written, and goes back to its own issuer afterwards."""
    auth = Keyturn("https://auth.example.com", "https://api.example.com")
    app = FastAPI()

    @app.get("/me")
    def me(token: Annotated[AccessToken, auth.require("a")]) -> str:
        return token.sub

    own = auth.verifier
    with TestClient(app) as client, keyturn_issuer.trusted_by(auth):
        assert client.get("/me", headers=keyturn_issuer.headers("ada", scopes=["a"])).json() == "ada"
        assert client.get("/me", headers=TestIssuer().headers("ada", scopes=["a"])).status_code == 401
    assert auth.verifier is own


def test_a_token_can_be_had_in_one_call() -> None:
    """From the issuer that the process shares."""
    issuer = default_issuer()
    verifier = Verifier(issuer.issuer, issuer.audience, jwks=issuer.jwks)
    assert verifier.verify(make_token("ada")).sub == "ada"
