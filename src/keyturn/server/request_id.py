"""The id of a request: in the answer, in the log, in the audit log. A caller may bring its own, if it is harmless."""

import hashlib
import itertools
import re
import secrets
from collections.abc import Sequence
from typing import Final


def choose(sent: Sequence[str]) -> str:
    """Return the id in the X-Request-Id headers *sent*, if it is one and fit for a log; else a new one."""
    if len(sent) == 1 and _FIT.fullmatch(sent[0]) is not None:
        return sent[0]
    # A keyed digest of a counter: unique, tells nobody how many requests there were, and asks the system for nothing.
    return hashlib.blake2b(next(_NUMBERS).to_bytes(8), key=_KEY, digest_size=8).hexdigest()


_FIT: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY: Final = secrets.token_bytes(32)
_NUMBERS: Final = itertools.count()
