"""Takes out of text what may not go into a report: tokens, and what would command a terminal. Pure.

The text is a route, or a host, that the user or the target's own description wrote.
"""

import re
from typing import Final


def masked(text: str) -> str:
    """Return *text* with whatever looks like a token replaced, and each character that does not print."""
    return "".join(sign if sign.isprintable() else "�" for sign in _TOKEN.sub("(token)", text))


#: A JWT begins with an encoded ``{"``; a refresh or device token of ours with its prefix; the rest is long and random.
_TOKEN: Final = re.compile(r"eyJ[\w.%+/=-]{8,}|kt[a-z]_[\w-]{8,}|(?<=token=)[^&\s]{8,}")
