"""Where a form login may go on to: a path of this host, and nothing a browser could take for another host (WEB-09)."""

import re
from typing import Final
from urllib.parse import unquote

from keyturn.errors import ValidationFailed


def check(path: str) -> str:
    """Return *path*, if it is one of ours.

    Browsers drop tabs and line ends, and read a backslash as a slash; servers behind us may decode what is encoded.
    So the path must be harmless both as it stands and decoded.

    Raises:
        ValidationFailed: it is anything else.

    """
    if not _PATH.fullmatch(path) or not all(
        _DECODED.fullmatch(form) for form in (unquote(path), unquote(unquote(path)))
    ):
        raise ValidationFailed("return_to", sentence="return_to is no path of this host.")
    return path


#: A slash, then no second one, no backslash and nothing that is not visible ASCII (RFC 3986 §3.3).
_PATH: Final = re.compile(r"/(?!/)[\x21-\x5b\x5d-\x7e]*")

#: The same of what it decodes to, where any character that can be seen may stand.
_DECODED: Final = re.compile(r"/(?!/)[^\x00-\x1f\x5c\x7f]*")
