"""What an answer to something wrong must look like: one hierarchy of errors, three faces, and never an echo."""

import re

from wire import Answer

CODES = {
    "invalid_request": {400, 405, 413, 415},
    "invalid_grant": {400},
    "unsupported_grant_type": {400},
    "invalid_scope": {400},
    "invalid_target": {400},
    "unsupported_token_type": {400},
    "invalid_token": {401},
    "invalid_credentials": {401, 403},
    "validation_failed": {422},
    "forbidden": {403},
    "not_found": {404},
    "conflict": {409},
    "rate_limited": {429},
    "temporarily_unavailable": {503},
}
"""Every code that may be seen here, and the statuses that go with it. There is no 500 among them."""

ECHO = re.compile(rb"evil|\x00|\x1b|\r", re.IGNORECASE)
OAUTH_TEXT = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")


def check(answer: Answer) -> str:
    """Assert that *answer* is one of the documented errors, well-formed and without an echo; return its face."""
    body = answer.json()
    code = body["error"]
    assert answer.status in CODES[code], (answer.status, code)
    assert answer.header("cache-control") == "no-store"
    assert (answer.header("retry-after") is not None) == (code in {"rate_limited", "temporarily_unavailable"})
    assert not ECHO.search(answer.body), answer.body
    assert not any(ECHO.search(f"{name}: {value}".encode("latin-1")) for name, value in answer.headers)
    if answer.header("content-type") == "application/problem+json":
        assert {"type", "title", "status", "error"} <= body.keys()
        assert body["status"] == answer.status
        return "problem"
    assert answer.header("content-type") == "application/json"
    assert body.keys() == {"error", "error_description"}
    assert OAUTH_TEXT.fullmatch(body["error_description"])
    return "oauth" if answer.header("www-authenticate") is None else "bearer"
