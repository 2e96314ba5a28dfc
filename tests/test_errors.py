"""Errors: one hierarchy, safe to show."""

import inspect
import re
from pathlib import Path

import pytest

from keyturn import errors
from keyturn.errors import ErrorCode, InvalidToken, KeyturnError, TokenExpired

ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, KeyturnError)]
DESCRIBABLE = {chr(code) for code in (0x20, 0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F))}


@pytest.mark.parametrize("kind", ERRORS)
def test_every_public_sentence_may_stand_in_a_header(kind: type[KeyturnError]) -> None:
    """WEB-03: RFC 6749 §5.2 allows printable ASCII without quotes and backslashes, and nothing else."""
    assert set(kind.sentence) <= DESCRIBABLE


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_has_a_code_and_a_status(kind: type[KeyturnError]) -> None:
    """One hierarchy: whoever catches `KeyturnError` can answer."""
    assert kind.code in ErrorCode
    assert 400 <= kind.status <= 503


def test_every_error_is_one_that_something_raises() -> None:
    """A code may be there for what no endpoint does yet; a class may not."""
    source = "".join(
        path.read_text("utf-8") for path in Path(errors.__file__).parent.rglob("*.py") if path.name != "errors.py"
    )
    unused = [kind.__name__ for kind in ERRORS if not re.search(rf"\b{kind.__name__}\b", source)]

    assert unused == []
    assert len(ErrorCode) == 20


def test_the_private_reason_is_not_in_the_text() -> None:
    """What goes to the audit log is not what a peer reads."""
    error = errors.InvalidGrant("reused")

    assert "reused" not in str(error)
    assert error.reason == "reused"


def test_an_expired_token_is_an_invalid_token() -> None:
    """Whoever handles `InvalidToken` handles expiry."""
    assert issubclass(TokenExpired, InvalidToken)
    assert TokenExpired().reason == "expired"
