"""Tokens that were verified before, so that the next request with one costs a look-up and no signature.

Keyed by the whole token, so two tokens never share an entry (CVE-2026-35039 was a shortened key). An entry alone
says nothing: :class:`~keyturn.verify.checking.TokenChecker` judges age, key and revocation again at each hit.

Only good tokens get in, so a stranger can't push anything out. Whoever holds very many good tokens can, and then
others' next request pays for one signature: never a wrong verdict.
"""

import threading
from typing import Final

from keyturn.tokens.access_token import AccessToken

#: What the cache may take, in bytes: about 9,500 tokens of usual size.
DEFAULT_MAX_BYTES: Final = 32 * 1024 * 1024


class TokenCache:
    """A dictionary of verified tokens that stays within its bytes. Free for any number of threads.

    Two generations stand in for a list by last use: a hit in the old one moves the entry to the young one, and
    when the young one holds half of the bytes, it becomes the old one and the old one is dropped. So a look-up
    takes no lock.
    """

    __slots__ = ("_half", "_lock", "_old", "_young", "_young_bytes")

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        """Keep to *max_bytes*; 0 keeps nothing."""
        self._half = max_bytes // 2
        self._lock = threading.Lock()
        self._young: dict[str, AccessToken] = {}
        self._old: dict[str, AccessToken] = {}
        self._young_bytes = 0

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def find(self, text: str) -> AccessToken | None:
        """Return the token in *text* if it is known, or None."""
        token = self._young.get(text)
        if token is None and (token := self._old.get(text)) is not None:
            self.add(text, token)
        return token

    def add(self, text: str, token: AccessToken) -> None:
        """Keep *token* as the one in *text*, which must have been verified."""
        size = entry_bytes(text)
        if size > self._half:
            return
        with self._lock:
            if text not in self._young:
                if self._young_bytes + size > self._half:
                    self._old, self._young, self._young_bytes = self._young, {}, 0
                self._young_bytes += size
            self._young[text] = token

    def discard(self, text: str) -> None:
        """Forget the token *text*."""
        with self._lock:
            if self._young.pop(text, None) is not None:
                self._young_bytes -= entry_bytes(text)
            self._old.pop(text, None)


def entry_bytes(text: str) -> int:
    """Return what the entry of the token *text* takes in memory, in bytes (measured, and rounded up by a tenth).

    The text is kept as it is; the claims in its middle segment take several times their length as values.
    """
    claims = text.rfind(".") - text.find(".")
    return len(text) + claims * 11 // 2 + _FIXED_BYTES


_FIXED_BYTES: Final = 200
