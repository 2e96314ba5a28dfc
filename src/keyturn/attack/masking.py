"""Takes tokens out of text that goes into a report: a route that the user, or a description, wrote one into. Pure."""

import re
from typing import Final


def masked(text: str) -> str:
    """Return *text* with whatever looks like a token replaced."""
    return _TOKEN.sub("(token)", text)


#: A JWT begins with an encoded ``{"``; a refresh or device token of ours with its prefix; the rest is long and random.
_TOKEN: Final = re.compile(r"eyJ[\w.%+/=-]{8,}|kt[a-z]_[\w-]{8,}|(?<=token=)[^&\s]{8,}")
