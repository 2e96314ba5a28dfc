"""The Authorization header and the challenge: one reading and one answer for all adapters."""

import pytest

from keyturn.errors import (
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    InvalidTokenReason,
    MissingToken,
    TokenExpired,
    VerifierUnavailable,
)
from keyturn.verify.bearer import answer, challenge, parse_authorization


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_may_be_in_any_letter_case(scheme: str) -> None:
    """WEB-02: RFC 9110 §11.1 compares schemes without regard to case."""
    assert parse_authorization([f"{scheme} a.b.c"]) == "a.b.c"


@pytest.mark.parametrize(
    "values", [[], ["Basic dXNlcjpwYXNz"], ["Digest username=x"], ["DPoP a.b.c"], ["Bearerx a.b.c"]]
)
def test_no_bearer_token_is_a_missing_one(values: list[str]) -> None:
    """WEB-01: no credentials, or ones of another scheme, are not a bad token."""
    with pytest.raises(MissingToken):
        parse_authorization(values)


@pytest.mark.parametrize(
    "values",
    [
        ["Bearer a.b.c", "Bearer a.b.c"],
        ["Bearer a.b.c", "Basic x"],
        ["Bearer"],
        ["Bearer "],
        ["Bearer a.b.c d"],
        ["Bearer a.b.c, Bearer d.e.f"],
        ["Bearer\ta.b.c"],
        ["Bearer a.b.c\n"],
        ["Bearer a,b"],
        ['Bearer token="a.b.c"'],
        ["Bearer ä"],
        [""],
        [" Bearer a.b.c"],
    ],
)
def test_a_malformed_or_doubled_header_is_an_invalid_request(values: list[str]) -> None:
    """WEB-01, A56: what can be read in two ways is not read at all."""
    with pytest.raises(InvalidRequest):
        parse_authorization(values)


def test_a_very_long_header_is_read_in_no_time() -> None:
    """The header's length is the peer's choice, so no pattern in it may cost more than its length."""
    with pytest.raises(InvalidRequest):
        parse_authorization(["Bearer " + "a" * 100_000 + " " + "=" * 100_000 + "!"])


def test_a_missing_token_is_challenged_without_an_error_code() -> None:
    """WEB-01: RFC 6750 §3.1 tells nothing to whom sent nothing."""
    assert challenge(MissingToken(), realm="api") == 'Bearer realm="api"'


@pytest.mark.parametrize("error", [TokenExpired(), *(InvalidToken(reason) for reason in InvalidTokenReason)])
def test_every_bad_token_gets_one_answer(error: InvalidToken) -> None:
    """VER-28: a peer is not told what was wrong."""
    told = answer(error, realm="api")
    assert told == answer(InvalidToken(InvalidTokenReason.REVOKED), realm="api")
    assert told.status == 401
    assert told.body["error"] == "invalid_token"
    assert 'error="invalid_token"' in told.headers["WWW-Authenticate"]


def test_a_missing_scope_is_named() -> None:
    """WEB-01: 403 insufficient_scope says which scopes are needed."""
    told = answer(InsufficientScope("scope", scopes=("a:read", "b")), realm="api")
    assert told.status == 403
    assert told.headers["WWW-Authenticate"].endswith(', scope="a:read b"')


def test_an_unavailable_verifier_is_no_verdict() -> None:
    """503 and Retry-After, and no challenge: logging in anew would not help."""
    told = answer(VerifierUnavailable(retry_after=7), realm="api")
    assert (told.status, told.headers["Retry-After"]) == (503, "7")
    assert "WWW-Authenticate" not in told.headers


def test_nothing_can_be_injected_into_the_challenge() -> None:
    """WEB-03, A52: quotes, backslashes, line ends and all beyond ASCII are replaced."""
    header = challenge(InvalidRequest(sentence='x"\r\nSet-Cookie: a=b\\ é'), realm='a", error="none')
    assert (
        header == 'Bearer realm="a?, error=?none", error="invalid_request", error_description="x???Set-Cookie: a=b? ?"'
    )


def test_a_missing_role_names_no_scope() -> None:
    """WEB-01: an empty ``scope`` would tell a client to ask for nothing."""
    told = answer(InsufficientScope("role"), realm="api")
    assert "scope=" not in told.headers["WWW-Authenticate"]
