"""What may stand in a log: no secret, by the name of its field or by its shape, and nothing that could forge a line.

Control characters, terminal escapes and Unicode's own line separators are written as escapes (OPS-03).
"""

import errno
import os
import re
import traceback
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from keyturn.errors import KeyturnError

REDACTED: Final = "[redacted]"

MAX_LENGTH: Final = 8192
"""Characters of one value; what is longer is cut."""


def clean(text: str) -> str:
    r"""Return *text* without tokens and hashes, and in one line of harmless characters.

    >>> print(clean("a\nb eyJhbGciOiJub25lIn0.e30."))
    a\x0ab [redacted]
    """
    if text.isascii() and text.isprintable() and not _SHAPES.search(text) and len(text) <= MAX_LENGTH:
        return text
    without = _SHAPES.sub(REDACTED, text[:MAX_LENGTH])
    return _UNSAFE.sub(_escape, without)


def redact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return *fields* as they may be written; values that are not JSON's become text."""
    return {_name(name): _of_field(name, value) for name, value in fields.items()}


def describe(error: BaseException) -> dict[str, Any]:
    """Return the type of *error*, where it was raised, and what caused it. No values of variables.

    Its own text only where we wrote it: what an app's user directory or a driver raises may hold the parameters of a
    statement, and a password among them.
    """
    frames = traceback.extract_tb(error.__traceback__)
    described: dict[str, Any] = {
        **_named(error),
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-_FRAMES:]],
    }
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        described["cause"] = _named(cause)
    return described


def _named(error: BaseException) -> dict[str, str]:
    message = _harmless_message(error)
    return {"type": type(error).__qualname__} | ({"message": clean(message)} if message else {})


def _harmless_message(error: BaseException) -> str:
    if isinstance(error, KeyturnError):
        return error.reason
    if isinstance(error, OSError) and isinstance(error.errno, int) and error.errno in errno.errorcode:
        return os.strerror(error.errno)  # the system's words for the number; error.strerror may be anybody's
    return ""


def _of_field(name: str, value: Any) -> Any:  # noqa: ANN401 - a log line may say anything
    return REDACTED if _is_secret(name) else _of_value(value)


@lru_cache(maxsize=1024)
def _name(name: str) -> str:
    return clean(name)


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _of_value(value: Any) -> Any:  # noqa: ANN401 - a log line may say anything
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {_name(str(name)): _of_field(str(name), below) for name, below in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_of_value(item) for item in value]
    return clean(str(value))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < _TWO_DIGITS else f"\\u{code:04x}"


_FRAMES: Final = 20
_TWO_DIGITS: Final = 0x100

_SECRET_NAME: Final = re.compile(
    r"passw|secret|token|cookie|authorization|credential|master_?key|private|handle", re.IGNORECASE
)

#: A JWT or the beginning of one, our opaque tokens, a password hash, whatever follows Bearer, a PEM private key.
_SHAPES: Final = re.compile(
    r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)*"
    r"|kt[rd]_[A-Za-z0-9_-]+"
    r"|\$argon2[a-z]*\$[^\s\"']*"
    r"|(?i:bearer|basic) +[A-Za-z0-9._~+/=-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)",
    re.DOTALL,
)

#: C0 and C1 controls, DEL, line and paragraph separators, and what changes the direction of text or is invisible.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
