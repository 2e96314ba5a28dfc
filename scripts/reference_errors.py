"""Every error: its code, its status, what it means, and who meets it."""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import keyturn
import pages
from keyturn import errors
from keyturn.errors import ErrorCode, KeyturnError
from keyturn.server.description.operations import OPERATIONS

Kinds = Sequence[type[KeyturnError]]


def page() -> str:
    """Return the page."""
    answered, sdk, start = _answered(), _of_the_sdk(), _at_the_start()
    rest = [code.value for code in ErrorCode if code not in {kind.code for kind in (*answered, *sdk)}]
    return pages.page(
        "Errors",
        _INTRO,
        "## What the server answers",
        _table(answered),
        "## What your API meets",
        _SDK,
        _table(sdk),
        "## What stops a start",
        _START,
        pages.table(("class", "meaning"), ((pages.code(kind.__name__), _meaning(kind)) for kind in start)),
        "## Codes without an endpoint",
        f"Named by the RFCs for what no endpoint of this release does: {', '.join(map(pages.code, rest))}.",
    )


def _answered() -> Kinds:
    known: set[type[KeyturnError]] = {KeyturnError, *(error for operation in OPERATIONS for error in operation.errors)}
    return sorted(known, key=_place)


def _of_the_sdk() -> Kinds:
    named = _kinds(getattr(keyturn, name) for name in keyturn.__all__)
    return sorted((kind for kind in named if kind is not KeyturnError), key=_place)


def _at_the_start() -> Kinds:
    return sorted((kind for kind in _kinds(vars(errors).values()) if issubclass(kind, ValueError)), key=_place)


def _kinds(values: Iterable[Any]) -> Iterator[type[KeyturnError]]:
    for value in values:
        if inspect.isclass(value) and issubclass(value, KeyturnError):
            yield value


def _place(kind: type[KeyturnError]) -> tuple[int, str, str]:
    return kind.status, kind.code.value, kind.__name__


def _table(kinds: Kinds) -> str:
    return pages.table(("status", "`error`", "class", "what a peer reads", "meaning"), _rows(kinds))


def _rows(kinds: Iterable[type[KeyturnError]]) -> Iterator[tuple[str, ...]]:
    for kind in kinds:
        yield (
            str(kind.status),
            pages.code(kind.code.value),
            pages.code(kind.__name__),
            kind.sentence,
            _meaning(kind),
        )


def _meaning(kind: type[KeyturnError]) -> str:
    return (inspect.getdoc(kind) or "").split("\n\n")[0].replace("``", "`")


_INTRO: Final = """\
Every answer to something that is wrong has its code as `error`. It comes in one of three forms:

| where | form | media type |
| --- | --- | --- |
| `/token`, `/revoke` | `error`, `error_description` (RFC 6749 §5.2) | `application/json` |
| about a bearer token | the same, and `WWW-Authenticate` (RFC 6750 §3) | `application/json` |
| the rest | `type`, `title`, `status`, `error`, at times `detail` (RFC 9457) | `application/problem+json` |

429 and 503 carry `Retry-After` in seconds. A 503 has changed nothing: trying again is safe. `validation_failed` lists
the fields in `errors`; `server_error` has a `request_id` that leads to the log, as the header `X-Request-Id` does
everywhere."""
_SDK: Final = """\
All are a `KeyturnError`. An adapter turns them into answers by itself; `Verifier` raises them. `InvalidToken.reason`
says why, for your log: see [tokens](../tokens.md). `str(error)` may be shown to anybody."""
_START: Final = """\
These are also a `ValueError`. They are raised while something is being set up, and never answered to a request."""
