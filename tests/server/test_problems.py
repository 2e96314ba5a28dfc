"""One hierarchy of errors, three faces (RFC 6749 §5.2, RFC 6750 §3, RFC 9457)."""

import json

import pytest

from keyturn import errors
from keyturn.errors import ErrorCode, InvalidTokenReason, KeyturnError
from keyturn.server import problems
from keyturn.server.description.docs_page import page
from keyturn.server.problems import Face
from keyturn.server.reading.validation import FieldError, FieldsRefused

ISSUER = "https://auth.example.com"


def body_of(error: KeyturnError, face: Face) -> dict[str, object]:
    """Return the body of an answer."""
    body: dict[str, object] = json.loads(bytes(problems.answer(error, face, issuer=ISSUER).body))
    return body


@pytest.mark.parametrize("face", list(Face))
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequest(), 400),
        (errors.UnsupportedMediaType(), 415),
        (errors.ContentTooLarge(), 413),
        (errors.MethodNotAllowed(), 405),
        (errors.InvalidGrant("private"), 400),
        (errors.InvalidScope(), 400),
        (errors.InvalidTarget(), 400),
        (errors.UnsupportedGrantType(), 400),
        (errors.UnsupportedTokenType(), 400),
        (errors.MissingToken(), 401),
        (errors.InvalidToken(InvalidTokenReason.REVOKED), 401),
        (errors.TokenExpired(), 401),
        (errors.InvalidCredentials("private"), 401),
        (errors.Forbidden("private"), 403),
        (errors.NotFound("private"), 404),
        (errors.Conflict(), 409),
        (errors.ValidationFailed(), 422),
        (errors.RateLimited("private", retry_after=7), 429),
        (errors.TemporarilyUnavailable("private"), 503),
    ],
)
def test_each_error_has_its_code_and_its_status_in_every_face(error: KeyturnError, status: int, face: Face) -> None:
    """Contract §2: every body has ``error``; none has the private reason; nothing may be kept."""
    response = problems.answer(error, face, issuer=ISSUER)

    assert response.status_code == status
    assert body_of(error, face)["error"] == error.code
    assert b"private" not in response.body
    assert response.headers["cache-control"] == "no-store"


def test_who_may_come_again_is_told_when() -> None:
    """Retry-After goes with 429 and 503."""
    response = problems.answer(errors.RateLimited(retry_after=7), Face.PROBLEM, issuer=ISSUER)

    assert response.headers["retry-after"] == "7"


def test_a_problem_has_a_page_that_explains_it() -> None:
    """RFC 9457 §3.1: ``type`` leads to the documentation, ``detail`` is there if it says more than ``title``."""
    plain = body_of(errors.NotFound(), Face.PROBLEM)
    detailed = body_of(errors.NotFound(sentence="You have no such session."), Face.PROBLEM)

    assert plain == {
        "type": f"{ISSUER}/docs#not_found",
        "title": "There is nothing here.",
        "status": 404,
        "error": "not_found",
    }
    assert detailed == plain | {"detail": "You have no such session."}


def test_refused_fields_are_named() -> None:
    """With a sentence for each."""
    error = FieldsRefused((FieldError(field="username", message="This field is required."),))

    assert body_of(error, Face.PROBLEM)["errors"] == [{"field": "username", "message": "This field is required."}]


@pytest.mark.parametrize("error", [KeyturnError("x"), errors.InvalidKey("x"), errors.ConfigurationError("x")])
def test_a_fault_of_ours_is_told_to_nobody(error: KeyturnError) -> None:
    """WEB-12: it goes on to the last resort."""
    with pytest.raises(KeyturnError):
        problems.answer(error, Face.PROBLEM, issuer=ISSUER)


@pytest.mark.parametrize("face", list(Face))
def test_a_fault_of_ours_has_the_id_or_the_words_of_its_face(face: Face) -> None:
    """RFC 6749 §5.2 names its members; everywhere else the id is in the body too."""
    response = problems.server_error("id-1", face, issuer=ISSUER)
    body = json.loads(bytes(response.body))

    assert (response.status_code, body["error"]) == (500, "server_error")
    assert response.headers["cache-control"] == "no-store"
    if face is Face.OAUTH:
        assert set(body) == {"error", "error_description"}
    else:
        assert body["request_id"] == "id-1"


def test_every_code_of_the_contract_is_documented_on_the_page() -> None:
    """Whatever ``type`` points to is there."""
    offered_later = {
        ErrorCode.INVALID_CLIENT,
        ErrorCode.UNAUTHORIZED_CLIENT,
        ErrorCode.INVALID_DPOP_PROOF,
        ErrorCode.USE_DPOP_NONCE,
    }
    missing = {code for code in ErrorCode if f'id="{code}"' not in page(ISSUER)}

    assert missing == offered_later
