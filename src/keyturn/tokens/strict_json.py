"""JSON that has one meaning, or none (RFC 8259 §4, §8.1; RFC 7515 §4, RFC 7519 §4).

What parsers are known to disagree on is refused: another encoding than UTF-8, a byte order mark, a name that
occurs twice, ``NaN``, numbers too large for a double, lone surrogates, and nesting deeper than any token needs.
"""

import json
import math
import re
from itertools import accumulate
from typing import Any, Final

MAX_DEPTH: Final = 16


def parse_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object that *data* is.

    Raises:
        ValueError: *data* is anything else. The message holds nothing of *data*, nor does the error's context.

    """
    value = _parse(data)
    if type(value) is not dict:
        raise ValueError("not a strict JSON object")
    return value


def _parse(data: bytes) -> Any:  # noqa: ANN401
    """Return what *data* says, or None: the parser's own errors carry the text, so they end here."""
    # The parser recurses, so the brackets are counted before it sees them.
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        return None
    try:
        text = data.decode("utf-8").strip(" \t\n\r")
        value, end = _DECODER.raw_decode(text)
        if end != len(text):
            return None
        if "\\" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # fails on a lone surrogate
    except (ValueError, RecursionError):
        return None
    return value


def _depth(data: bytes) -> int:
    """Return how deep *data* nests, by its brackets outside of strings."""
    steps = (1 if bracket in b"[{" else -1 for bracket in _STRING.sub(b"", data).translate(None, _NOT_BRACKETS))
    return max(accumulate(steps), default=0)


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number overflows")
    return value


def _no_constant(_name: str) -> None:
    raise ValueError("not a JSON number")


# Possessive and with an optional end quote: linear on any input, also on a string that never ends.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique_names, parse_float=_finite, parse_constant=_no_constant)
