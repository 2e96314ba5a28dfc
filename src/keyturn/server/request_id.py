"""The id of a request: in the answer, in the log, in the audit log. A caller may bring its own, if it is harmless."""

import hashlib
import itertools
import os
import re
import secrets
from collections.abc import Sequence
from typing import Final


def choose(sent: Sequence[str]) -> str:
    """Return the id in the X-Request-Id headers *sent*, if it is one and fit for a log; else a new one."""
    if len(sent) == 1 and _FIT.fullmatch(sent[0]) is not None:
        return sent[0]
    return _NEW_IDS.take()


class _Ids:
    """Keyed digests of a counter: unique, they tell nobody how many requests there were, and ask the system nothing."""

    def __init__(self) -> None:
        self.begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.begin)  # or each worker would give the same ids

    def begin(self) -> None:
        """Take a new key, so that these ids are like nobody else's."""
        self._key = secrets.token_bytes(32)
        self._numbers = itertools.count()

    def take(self) -> str:
        """Return an id that was not given before."""
        return hashlib.blake2b(next(self._numbers).to_bytes(8), key=self._key, digest_size=8).hexdigest()


_FIT: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NEW_IDS: Final = _Ids()
