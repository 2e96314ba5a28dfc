"""Revocations in memory: which access tokens are refused though their signature and their age are good.

A revocation is by ``jti``, ``sid``, ``sub``, ``kid`` or for all, never by token text. It is kept as a 16-byte digest.
The view only grows, but for entries whose own time has come: what they refused has expired by then.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from keyturn.tokens.access_token import AccessToken
from keyturn.tokens.revocation_digest import DIGEST_BYTES, RevocationKind, digest

__all__ = ["CUT_OFF_KINDS", "RevocationEntry", "RevocationKind", "RevocationView", "digest"]

#: The kinds that revoke what was issued up to a time, not for good.
CUT_OFF_KINDS: Final = frozenset({RevocationKind.SUB, RevocationKind.ALL})


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationEntry:
    """One revocation.

    Attributes:
        seq: its place in the feed.
        kind: what it names.
        digest: the :func:`digest` of it, 16 bytes.
        before: tokens with ``iat`` up to this epoch second are revoked; of ``sub`` and ``all`` alone, else None.
        expires_at: the epoch second from which it may be forgotten.

    Raises:
        ValueError: the digest has another length, or ``before`` does not fit the kind.

    """

    seq: int
    kind: RevocationKind
    digest: bytes
    before: int | None
    expires_at: int

    def __post_init__(self) -> None:
        if len(self.digest) != DIGEST_BYTES:
            raise ValueError("a digest has 16 bytes")
        if (self.before is not None) != (self.kind in CUT_OFF_KINDS):
            raise ValueError("before goes with sub and all, and with no other kind")


class RevocationView:
    """The revocations that one process knows.

    One entry takes about 150 bytes, a cut-off about 250. Adding one and asking for one take the same time whatever
    their number. Any number of threads may ask while one adds or prunes.
    """

    __slots__ = ("_before", "_due", "_seq", "_until")

    def __init__(self) -> None:
        self._until: dict[bytes, int] = {}
        self._before: dict[bytes, int] = {}
        self._due: defaultdict[int, list[bytes]] = defaultdict(list)
        self._seq = 0

    def __len__(self) -> int:
        return len(self._until)

    @property
    def seq(self) -> int:
        """The highest ``seq`` seen; 0 before the first."""
        return self._seq

    def add(self, entry: RevocationEntry) -> None:
        """Take *entry* in. Of two with one digest, the later cut-off and the later end hold."""
        key = entry.digest
        if entry.before is not None:  # first, so that no reader finds the entry without its cut-off
            self._before[key] = max(entry.before, self._before.get(key, entry.before))
        until = self._until.get(key)
        if until is None or entry.expires_at > until:  # else a feed read again would grow what is due
            self._until[key] = entry.expires_at
            self._due[entry.expires_at].append(key)
        self._seq = max(self._seq, entry.seq)

    def revokes(self, token: AccessToken, now: float) -> bool:
        """Say whether *token* is revoked at *now*, in epoch seconds."""
        if self._until.keys().isdisjoint(token.revocation_digests):
            return False
        return any(self._covers(key, token.issued_at, now) for key in token.revocation_digests)

    def cutoff_for(self, sub: str) -> int | None:
        """Return the latest cut-off that a token of *sub* must be younger than to be good, in epoch seconds."""
        if not self._before:
            return None
        keys = (digest(RevocationKind.SUB, sub), _ALL)
        return max((self._before[key] for key in keys if key in self._before), default=None)

    def revokes_key(self, kid: str) -> bool:
        """Say whether the signing key *kid* is revoked."""
        return digest(RevocationKind.KID, kid) in self._until

    def prune(self, now: float) -> None:
        """Drop the entries whose ``expires_at`` is reached at *now*, in epoch seconds."""
        for due in [second for second in self._due if second <= now]:
            for key in self._due.pop(due):
                if self._until.get(key) == due:  # else a later entry with this digest still holds
                    del self._until[key]
                    self._before.pop(key, None)

    def _covers(self, key: bytes, issued_at: float, now: float) -> bool:
        until = self._until.get(key)
        return until is not None and now < until and issued_at <= self._before.get(key, math.inf)


_ALL: Final = digest(RevocationKind.ALL, "")
