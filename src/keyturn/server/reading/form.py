"""Forms (``application/x-www-form-urlencoded``), read strictly: one meaning, or none.

What parsers are known to disagree on is refused: a parameter that is there twice (RFC 6749 §3.1), a percent sign
without two digits behind it, bytes that are no UTF-8.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from keyturn.errors import ContentTooLarge, InvalidRequest

MAX_FIELDS: Final = 64


def parse(data: bytes) -> dict[str, str]:
    """Return the fields of the form *data*.

    Raises:
        InvalidRequest: it is malformed, or a field is there twice.
        ContentTooLarge: it has more than 64 fields.

    """
    pairs = [pair for pair in data.split(b"&") if pair]
    if len(pairs) > MAX_FIELDS:
        raise ContentTooLarge("too many fields", sentence="The form has too many fields.")
    fields = dict(map(_field, pairs))
    if len(fields) != len(pairs):
        raise InvalidRequest("a field twice", sentence="A parameter is in the form twice.")
    return fields


def _field(pair: bytes) -> tuple[str, str]:
    name, _, value = pair.partition(b"=")
    return _text(name), _text(value)


def _text(data: bytes) -> str:
    if b"%" in data and _BAD_ESCAPE.search(data) is not None:
        raise InvalidRequest("a broken escape", sentence="The form has a broken percent escape.")
    try:
        return (unquote_to_bytes(data.replace(b"+", b" ")) if b"%" in data else data.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise InvalidRequest("no UTF-8", sentence="The form is not UTF-8.") from None


_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
