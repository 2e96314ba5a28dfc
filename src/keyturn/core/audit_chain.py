"""Judging seals, one after the other: whether they follow each other, and who vouches for them. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from keyturn.core.model import Seal
from keyturn.core.sealer import head_of
from keyturn.core.sealing import START, Maker, first_of, hash_of, maker_of
from keyturn.tokens.master_key import MasterKeys


class Fault(StrEnum):
    """What is wrong with the audit log."""

    CHANGED = "changed"
    MOVED = "moved"
    REMOVED = "removed"
    REMOVED_UNSEALED = "removed_unsealed"
    ADDED = "added"
    SEAL_CHANGED = "seal_changed"
    SEAL_REMOVED = "seal_removed"
    BEGUN_ANEW = "begun_anew"
    UNKNOWN_KEY = "unknown_key"
    NOT_SEALED = "not_sealed"
    NOT_AS_EXPECTED = "not_as_expected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        first: the number of the first entry that it concerns.
        last: of the last one.
        moved_from: for an entry that is not where it was sealed: its number then.
        seal: for a seal: its number.
        says: for an expected head, or an unknown key: which one.

    """

    fault: Fault
    first: int
    last: int
    moved_from: int | None = None
    seal: int | None = None
    says: str = ""


class Chain:
    """The seals, given to `follow` in the order of their numbers.

    Args:
        keys: the master keys.
        expected: heads, as `head_of` writes them, that were noted before and have to be there.

    """

    def __init__(self, keys: MasterKeys, expected: Collection[str] = ()) -> None:
        self._keys = keys
        self._expected = dict.fromkeys(expected)
        self._unvouched: Seal | None = None
        self._newest_is_bad = False
        self.newest: Seal | None = None
        self.findings: list[Finding] = []

    def follow(self, seal: Seal) -> bool:
        """Judge the next seal; return whether the entries can be held against its digests."""
        if seal.number <= self._number():
            self._found(Fault.SEAL_CHANGED, seal)  # no seal of ours has such a number, or it was there already
            return False
        maker = maker_of(seal, self._keys)
        follows = self._follows(seal, maker)
        fits = first_of(seal) > 0 and (self._may_begin_anywhere(seal) or first_of(seal) == self._last() + 1)
        self._newest_is_bad = maker is Maker.FORGED or not fits
        if self._newest_is_bad:
            self._found(Fault.SEAL_CHANGED, seal)
        self._vouch(seal, maker, follows)
        self.newest = seal
        return fits

    def finish(self) -> None:
        """Judge what only the end tells."""
        self._doubt()
        for head in self._expected:
            number = int(head.partition(":")[0])
            self.findings.append(Finding(fault=Fault.NOT_AS_EXPECTED, first=1, last=number, says=head))

    def _follows(self, seal: Seal, maker: Maker) -> bool:
        """Say whether *seal* follows the one before, and who is to blame if not."""
        if seal.number != self._number() + 1:
            self._removed_before(seal)
            return False
        if seal.previous == (START if self.newest is None else hash_of(self.newest)):
            return True
        if maker is Maker.FORGED:
            return False  # it is to blame for whatever it says
        if seal.previous == START:
            self._found(Fault.BEGUN_ANEW, seal)
        elif self.newest is not None and not self._newest_is_bad:
            self._found(Fault.SEAL_CHANGED, self.newest)
        elif self.newest is None:
            self._found(Fault.SEAL_CHANGED, seal)
        return False

    def _may_begin_anywhere(self, seal: Seal) -> bool:
        """Say whether nobody knows where the seal before it ends: it was removed, or changed."""
        return self._newest_is_bad or seal.number != self._number() + 1

    def _vouch(self, seal: Seal, maker: Maker, follows: bool) -> None:  # noqa: FBT001 - a verdict, not an option
        if not follows:
            self._doubt()
        if maker is Maker.UNKNOWN_KEY:
            self._unvouched = self._unvouched or seal
        elif maker is Maker.OURS:
            self._unvouched = None
        head = head_of(seal)
        if head in self._expected:
            del self._expected[head]
            self._unvouched = None

    def _doubt(self) -> None:
        """Report the seals of unknown keys up to the newest one: nobody vouches for them any more."""
        first = self._unvouched
        if first is not None:
            self.findings.append(
                Finding(
                    fault=Fault.UNKNOWN_KEY,
                    first=first_of(first),
                    last=self._last(),
                    seal=first.number,
                    says=first.key_id.hex(),
                )
            )
        self._unvouched = None

    def _removed_before(self, seal: Seal) -> None:
        number = self._number() + 1
        between = Finding(fault=Fault.SEAL_REMOVED, first=self._last() + 1, last=first_of(seal) - 1, seal=number)
        self.findings.append(between)

    def _found(self, fault: Fault, seal: Seal) -> None:
        self.findings.append(Finding(fault=fault, first=first_of(seal), last=seal.last, seal=seal.number))

    def _number(self) -> int:
        return 0 if self.newest is None else self.newest.number

    def _last(self) -> int:
        return 0 if self.newest is None else self.newest.last
